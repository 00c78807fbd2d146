import ZeroMQ

/// What a ZAP handler is asked about a peer (ZeroMQ RFC 27).
struct HandshakeRequest: Sendable {
    /// How the peer proves who it is.
    enum Mechanism: String, Sendable {
        case clear = "NULL"
        case curve = "CURVE"
    }

    /// The request's number: it goes back with the answer.
    let number: [UInt8]
    let domain: String
    /// Where the peer is: its IP address, or `localhost:UID:GID:PID` of a peer by `ipc://`.
    let address: String
    /// Nil for one that is not served.
    let mechanism: Mechanism?
    /// The peer's key, which it has proven to own.
    let key: CurveKey?

    /// Reads the frames behind the envelope; nil where they are no request.
    init?(_ frames: some Collection<[UInt8]>) {
        let frames = Array(frames)
        guard frames.count >= 6, frames[0] == Array("1.0".utf8) else { return nil }
        number = frames[1]
        domain = String(decoding: frames[2], as: UTF8.self)
        let text = String(decoding: frames[3], as: UTF8.self)
        // An IPv4 peer of a socket for IPv6 too.
        address = text.hasPrefix("::ffff:") ? String(text.dropFirst("::ffff:".count)) : text
        mechanism = Mechanism(rawValue: String(decoding: frames[5], as: UTF8.self))
        key = frames.count == 7 ? CurveKey(bytes: frames[6]) : nil
    }

    /// The user id of a peer by `ipc://`, as the system gives it; nil of any other.
    var userID: UInt32? {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "localhost" else { return nil }
        return UInt32(parts[1])
    }
}

/// Why a peer is not let in.
enum Refusal: String, Sendable {
    case unknownKey = "unknown_key"
    case expired
    /// Too many handshakes, or too many connections.
    case rate
    case role
    case mechanism

    /// Whether it may come again by itself: it is made to wait instead of being refused for good.
    var isTemporary: Bool { self == .rate }

    /// The text of the answer; libzmq's clients report its number alone.
    var text: String {
        switch self {
        case .unknownKey: "this worker does not know your key"
        case .expired: "your key has expired"
        case .rate: "too many handshakes or connections of yours; wait"
        case .role: "your key gives no right to this socket"
        case .mechanism: "this socket does not serve your mechanism"
        }
    }
}
