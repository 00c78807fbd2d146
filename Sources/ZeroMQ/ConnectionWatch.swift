import CZeroMQ
import Synchronization

/// Tells when a socket's connections stand and when they break. It belongs to the socket's thread.
///
/// libzmq connects again by itself and says nothing of it; what was under way on a connection that broke is lost. It
/// watches every transport but `inproc://`, which knows no connections.
public final class ConnectionWatch {
    /// What became of a connection.
    public enum Change: Sendable {
        /// The handshake is done: messages go through.
        case connected
        /// It is gone, or its handshake was.
        case disconnected
    }

    /// Readable when there is a change: for the loop.
    public let socket: Socket
    private let watched: Socket
    private static let names = Atomic<UInt64>(0)

    /// Watches the connections that `watched` makes from now on.
    public init(_ watched: Socket) throws(ZeroMQError) {
        let endpoint = "inproc://watch-\(ConnectionWatch.names.add(1, ordering: .relaxed).newValue)"
        let events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
        guard zmq_socket_monitor(watched.raw, endpoint, events) == 0 else { throw ZeroMQError("zmq_socket_monitor") }
        self.watched = watched
        socket = try Socket(.pair, in: watched.context)
        try socket.set(.linger, 0)
        try socket.connect(endpoint)
    }

    // Before the pair goes: libzmq's I/O thread would wait for ever for a reader that is gone.
    deinit { if let raw = watched.raw { zmq_socket_monitor(raw, nil, 0) } }

    /// The next change.
    /// - Returns: nil where there is none now and `wait` is false.
    public func next(wait: Bool = false) throws(ZeroMQError) -> Change? {
        // Two frames: the event's number (16 bits) and value (32 bits) in the host's order, and the endpoint.
        while let frames = try socket.receiveFrames(wait: wait) {
            guard frames[0].count >= 2 else { continue }
            switch frames[0].withUnsafeBytes({ Int32($0.loadUnaligned(as: UInt16.self)) }) {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .connected
            case ZMQ_EVENT_DISCONNECTED: return .disconnected
            default: continue
            }
        }
        return nil
    }
}
