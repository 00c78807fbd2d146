import ZeroMQ

extension Socket {
    /// Sets what all sockets of a client have in common.
    ///
    /// They send no ZMTP heartbeats and have no bound on what they receive: with either, a peer that floods a connection
    /// and resets it makes libzmq 4.3.4 abort the process. The loop reads what comes at once, and bounds it behind the
    /// socket. A peer that is gone without a word is found by TCP's own probes within 15 s.
    func configureClient() throws(ZeroMQError) {
        try set(.ipv6, true)
        try set(.receiveHighWaterMark, 0)
        try set(.tcpKeepAlive, 1)
        try set(.tcpKeepAliveIdle, 5)
        try set(.tcpKeepAliveInterval, 5)
        try set(.tcpKeepAliveCount, 2)
    }
}
