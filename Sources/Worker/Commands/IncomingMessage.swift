import ZeroMQ

/// A message of a command socket, received frame by frame. The next message is received into the same memory.
///
/// It lives on the stack for one turn of the loop, where its frames can be lent out without a check of their owner.
struct IncomingMessage: ~Copyable {
    /// The routing id of the connection that brought it.
    private(set) var peer: [UInt8] = []
    /// What its frames are, apart from the routing id.
    private(set) var frames = RequestFrames()
    /// The frame that was received last: the body, when all are.
    var frame = Message()
    private var routingFrame = Message()

    /// Receives the routing id of the next message.
    /// - Returns: false where none is there.
    mutating func begin(from socket: Socket) throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &routingFrame) else { return false }
        // Many messages in a row come by one connection.
        if !routingFrame.withBytes({ $0.elementsEqual(peer) }) { peer = routingFrame.bytes }
        return true
    }

    /// Receives the frames behind the routing id.
    mutating func finish(from socket: Socket) throws(ZeroMQError) {
        frames = RequestFrames()
        var hasMore = routingFrame.hasMore
        while hasMore, try socket.receive(into: &frame, wait: true) {
            hasMore = frame.hasMore
            frames.add(size: frame.count, isLast: !hasMore) { frame.bytes }
        }
    }

    /// Discards the frames behind the routing id.
    mutating func discard(from socket: Socket) throws(ZeroMQError) {
        var hasMore = routingFrame.hasMore
        while hasMore, try socket.receive(into: &frame, wait: true) { hasMore = frame.hasMore }
    }
}
