import CZeroMQ
import Synchronization

/// libzmq's context: its I/O threads and the `inproc://` names of the sockets made in it.
///
/// A context may be used from any thread. It ends when it and every ``Socket`` made in it are gone.
public final class Context: @unchecked Sendable {
    // Sendable: libzmq's contexts are thread-safe, and the pointer is never changed.
    let raw: UnsafeMutableRawPointer
    private let isTerminated = Atomic(false)

    /// libzmq's version, such as `4.3.4`.
    public static var libraryVersion: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// A context with `ioThreads` threads for the network.
    public init(ioThreads: Int32 = 1) throws(ZeroMQError) {
        guard let raw = zmq_ctx_new() else { throw ZeroMQError("zmq_ctx_new") }
        self.raw = raw
        guard zmq_ctx_set(raw, ZMQ_IO_THREADS, ioThreads) == 0,
            zmq_ctx_set(raw, ZMQ_MAX_SOCKETS, 4096) == 0
        else { throw ZeroMQError("zmq_ctx_set") }
    }

    // Each socket holds its context, so none is open when this runs, and only unsent messages are waited for.
    deinit { terminate() }

    /// Waits until every socket is closed and what its linger allows has been sent. A second call does nothing.
    public func terminate() {
        guard !isTerminated.exchange(true, ordering: .sequentiallyConsistent) else { return }
        while zmq_ctx_term(raw) != 0, zmq_errno() == EINTR {}
    }
}
