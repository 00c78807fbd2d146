import CZeroMQ

/// A public key of CURVE and the secret one that belongs to it.
public struct CurveKeyPair: Hashable, Sendable {
    /// What others know.
    public let publicKey: CurveKey
    /// What only its owner knows.
    public let secretKey: CurveKey

    /// Makes a new pair from the system's random numbers.
    public init() throws(ZeroMQError) {
        var (open, secret) = ([CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41))
        guard zmq_curve_keypair(&open, &secret) == 0, let publicKey = CurveKey(z85: open),
            let secretKey = CurveKey(z85: secret)
        else { throw ZeroMQError("zmq_curve_keypair") }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// The pair of a secret key.
    public init(secretKey: CurveKey) throws(ZeroMQError) {
        var open = [CChar](repeating: 0, count: 41)
        let secret = secretKey.z85
        guard secret.withCString({ zmq_curve_public(&open, $0) }) == 0, let publicKey = CurveKey(z85: open) else {
            throw ZeroMQError("zmq_curve_public")
        }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }
}

extension CurveKey {
    fileprivate init?(z85 text: [CChar]) {
        self.init(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
