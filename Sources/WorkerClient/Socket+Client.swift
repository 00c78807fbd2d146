import ZeroMQ

extension Socket {
    /// Sets what all sockets of a client have in common.
    ///
    /// Like every socket, they send no heartbeats of libzmq and have no bound on received messages. The loop reads
    /// messages at once, and bounds them behind the socket. TCP's own probes detect a peer that has vanished within 15
    /// s.
    func configureClient() throws(ZeroMQError) {
        try set(.ipv6, true)
        try set(.tcpKeepAlive, 1)
        try set(.tcpKeepAliveIdle, 5)
        try set(.tcpKeepAliveInterval, 5)
        try set(.tcpKeepAliveCount, 2)
    }

    /// Has the socket prove its key, and ask the worker to prove its own; before it connects.
    /// - Parameters:
    ///   - credentials: nil for a worker on this host, in the clear.
    ///   - failures: handshakes in a row that failed.
    func secure(_ credentials: Credentials?, after failures: Int) throws(ZeroMQError) {
        guard let credentials else { return }
        try set(.curvePublicKey, credentials.key.publicKey)
        try set(.curveSecretKey, credentials.key.secretKey)
        try set(.curveServerKey, credentials.serverKey(after: failures))
    }
}
