import ZeroMQ

extension Socket {
    /// Sets what all sockets of a client have in common.
    ///
    /// Like every socket, they send no heartbeats of libzmq's and have no bound on what they receive. The loop reads what
    /// comes at once, and bounds it behind the socket. A peer that is gone without a word is found by TCP's own probes
    /// within 15 s.
    func configureClient() throws(ZeroMQError) {
        try set(.ipv6, true)
        try set(.tcpKeepAlive, 1)
        try set(.tcpKeepAliveIdle, 5)
        try set(.tcpKeepAliveInterval, 5)
        try set(.tcpKeepAliveCount, 2)
    }
}
