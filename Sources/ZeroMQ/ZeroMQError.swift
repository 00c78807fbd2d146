import CZeroMQ

/// A libzmq call that failed.
public struct ZeroMQError: Error, Sendable, Equatable, CustomStringConvertible {
    /// libzmq's errno.
    public let code: Int32
    /// The call, and what it was about.
    public let operation: String

    /// Takes the errno that libzmq left on this thread.
    init(_ operation: String) {
        code = zmq_errno()
        self.operation = operation
    }

    /// There is no thread for `operation`.
    init(noThreadFor operation: String) {
        code = EAGAIN
        self.operation = operation
    }

    public var description: String {
        "\(operation): \(String(cString: zmq_strerror(code))) (errno \(code))"
    }

    /// Nothing to receive, or no room to send, without waiting.
    public var isWouldBlock: Bool { code == EAGAIN }
    /// No peer has the routing id (`ROUTER_MANDATORY`).
    public var isUnreachable: Bool { code == ZeroMQError.hostUnreachable }

    private static let hostUnreachable = EHOSTUNREACH
}
