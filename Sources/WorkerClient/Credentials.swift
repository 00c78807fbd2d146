public import ZeroMQ

/// What a client needs to speak to a worker on another host: its own key, and that of the worker.
public struct Credentials: Sendable {
    /// The client's own keys.
    public let key: CurveKeyPair
    /// The worker's public keys. While an operator replaces a worker's key there are two: the other is tried where one does
    /// not fit.
    public let serverKeys: [CurveKey]

    /// Nil where there is no key of the worker: nothing is ever sent to one that has not proven itself.
    public init?(key: CurveKeyPair, serverKeys: [CurveKey]) {
        guard !serverKeys.isEmpty else { return nil }
        self.key = key
        self.serverKeys = serverKeys
    }

    /// The worker's key for a connection.
    /// - Parameter failures: how many handshakes in a row have failed.
    func serverKey(after failures: Int) -> CurveKey { serverKeys[failures % serverKeys.count] }

    /// So many failures in a row are no accident.
    var failuresToReport: Int { max(3, 2 * serverKeys.count) }
}
