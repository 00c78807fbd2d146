import CZeroMQ

/// One frame, in memory that libzmq owns: received without a copy.
///
/// One message is received into again and again; what it lends out is valid until then.
public struct Message: ~Copyable {
    // libzmq's own queues move zmq_msg_t by assignment, so that Swift may move this struct too.
    var raw = zmq_msg_t()

    /// An empty frame.
    public init() { zmq_msg_init(&raw) }

    deinit {
        var raw = raw
        zmq_msg_close(&raw)
    }

    /// Whether more frames of the same message follow.
    public var hasMore: Bool { mutating get { zmq_msg_more(&raw) != 0 } }

    /// How many bytes the frame has.
    public var count: Int { mutating get { zmq_msg_size(&raw) } }

    /// The descriptor of the connection that brought the frame, for `Connection.cut`; nil for `inproc://`, and
    /// for what libzmq made up itself.
    ///
    /// A ROUTER's routing id, a frame that libzmq makes, has none where `zmq_poll` found the message: read it from a frame
    /// behind that.
    public var connection: Int32? {
        mutating get {
            let descriptor = zmq_msg_get(&raw, ZMQ_SRCFD)
            return descriptor < 0 ? nil : descriptor
        }
    }

    /// The user id that the ZAP handler gave the peer that sent the frame, lent to `body` as a C string; nil where there is
    /// none. The peer's own metadata cannot replace it where a handler was asked.
    ///
    /// As with ``connection``, a routing id that `zmq_poll` found has none.
    public mutating func withUserID<Result>(_ body: (UnsafePointer<CChar>?) throws -> Result) rethrows -> Result {
        try body(zmq_msg_gets(&raw, "User-Id"))
    }

    /// The property `name` of the connection that brought the frame, lent to `body` as a C string; nil where there is none.
    /// What the ZAP handler gave cannot be replaced by the peer.
    public mutating func withProperty<Result>(
        _ name: StaticString, _ body: (UnsafePointer<CChar>?) throws -> Result
    ) rethrows -> Result {
        // The bytes of a static string end with a NUL.
        let name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        return try body(zmq_msg_gets(&raw, name))
    }

    /// Lends the frame's bytes to `body`.
    public mutating func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(&raw), count: zmq_msg_size(&raw)))
    }

    /// A copy of the frame's bytes.
    public var bytes: [UInt8] { mutating get { withBytes { Array($0) } } }
}
