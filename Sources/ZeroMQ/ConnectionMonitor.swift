import CZeroMQ
import Synchronization

/// Reports what becomes of a socket's connections. It belongs to the socket's thread.
///
/// libzmq connects again by itself and reports nothing of it; what was under way on a connection that broke is lost. The
/// monitor covers every transport but `inproc://`, which knows no connections.
public final class ConnectionMonitor {
    /// What became of a connection.
    public enum Change: Sendable, Equatable {
        /// A connection stands; nothing is known of the peer yet.
        case accepted(descriptor: Int32)
        /// A handshake is done: messages go through. libzmq does not say of which connection.
        case connected
        /// The connection is gone, or its handshake was.
        case disconnected(descriptor: Int32)
        /// The other side refused the key, or this side did.
        case refused(status: Int32)
        /// The two sides do not understand each other: the mechanism, or the server's key, is another.
        case failed
    }

    /// Readable when there is a change: for the loop.
    public let socket: Socket
    private let monitored: Socket
    private static let names = Atomic<UInt64>(0)

    /// Which changes are reported.
    public enum Scope: Sendable {
        /// That connections stand and are gone: for a server.
        ///
        /// It must not ask for failures of handshakes. As such libzmq 4.3.4 also reports a message that cannot be
        /// decrypted, and the report overwrites the `errno` by which it then ends the connection: the connection would
        /// stay, would never be read again, and its descriptor would be lost when the peer leaves.
        case standing
        /// That connections stand, how their handshakes end, and that they are gone: for a client.
        case handshakes

        // Not ZMQ_EVENT_ACCEPT_FAILED: without descriptors there are tens of thousands of them a second.
        fileprivate var events: Int32 {
            switch self {
            case .standing: ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED
            case .handshakes:
                ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
                    | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                    | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            }
        }
    }

    /// Monitors the connections that `monitored` makes from now on.
    public init(_ monitored: Socket, _ scope: Scope) throws(ZeroMQError) {
        let endpoint = "inproc://monitor-\(ConnectionMonitor.names.add(1, ordering: .relaxed).newValue)"
        guard zmq_socket_monitor(monitored.raw, endpoint, scope.events) == 0 else {
            throw ZeroMQError("zmq_socket_monitor")
        }
        self.monitored = monitored
        socket = try Socket(.pair, in: monitored.context)
        try socket.set(.linger, 0)
        try socket.connect(endpoint)
    }

    deinit { close() }

    /// Ends it. A second call does nothing.
    public func close() {
        // Before the pair goes: libzmq's I/O thread would wait for ever for a reader that is gone.
        if let raw = monitored.raw { zmq_socket_monitor(raw, nil, 0) }
        socket.close()
    }

    /// The next change.
    /// - Returns: nil where there is none now and `wait` is false.
    public func next(wait: Bool = false) throws(ZeroMQError) -> Change? {
        // Two frames: the event's number (16 bits) and value (32 bits) in the host's order, and the endpoint.
        while let frames = try socket.receiveFrames(wait: wait) {
            guard frames[0].count >= 6 else { continue }
            let (event, value) = frames[0].withUnsafeBytes {
                (
                    Int32($0.loadUnaligned(as: UInt16.self)),
                    $0.loadUnaligned(fromByteOffset: 2, as: Int32.self)
                )
            }
            switch event {
            case ZMQ_EVENT_ACCEPTED, ZMQ_EVENT_CONNECTED: return .accepted(descriptor: value)
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .connected
            case ZMQ_EVENT_DISCONNECTED: return .disconnected(descriptor: value)
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .refused(status: value)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .failed
            default: continue
            }
        }
        return nil
    }
}
