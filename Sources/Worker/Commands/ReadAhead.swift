import DequeModule

/// Messages that were read from the command socket before their turn. They show which peer sends faster than it is
/// served.
///
/// libzmq's own input queue has no limit (`RCVHWM` is 0, since libzmq 4.3.4 can be made to abort where input stops),
/// and its length cannot be asked for. So the socket reads ahead from time to time while it is busy, and what it finds
/// waits here, in one queue per connection, which are served in turns. Used on one thread: no socket, no clock.
final class ReadAhead {
    /// A message without its routing id.
    struct Waiting {
        let frames: RequestFrames
        /// The last frame.
        let body: [UInt8]
        let sender: CommandSocket.Sender

        init(_ frames: RequestFrames, _ body: [UInt8], _ sender: CommandSocket.Sender) {
            self.frames = frames
            self.body = body
            self.sender = sender
        }

        /// About how many bytes it takes.
        var cost: Int { 128 + body.count + frames.cost }
    }

    /// What waits of one connection.
    private final class Queue {
        let peer: [UInt8]
        var messages = Deque<Waiting>()
        var cost = 0
        init(_ peer: [UInt8]) { self.peer = peer }
    }

    /// By routing id.
    private var queues: [[UInt8]: Queue] = [:]
    /// Those with messages, in the order in which they are served; and those that were discarded, which are empty.
    private var order = Deque<Queue>()
    /// Bytes of all messages that wait.
    private(set) var cost = 0
    private var count = 0
    private let peerMessages: Int
    private let peerLimit: Int
    private let limit: Int

    /// - Parameters:
    ///   - peerMessages: messages that may wait of one connection.
    ///   - peerLimit: bytes that may wait of one connection.
    ///   - limit: bytes that may wait of all of them.
    init(peerMessages: Int = 16_384, peerLimit: Int = 32 << 20, limit: Int = 48 << 20) {
        self.peerMessages = peerMessages
        self.peerLimit = peerLimit
        self.limit = limit
    }

    var isEmpty: Bool { count == 0 }

    /// Whether so much waits that one peer may soon be over a bound. What well-behaved peers have under way is less.
    var isLarge: Bool { cost > limit / 8 || count > peerMessages / 4 }

    /// Puts a message behind those of the same connection.
    /// - Returns: routing ids and descriptors of connections that are over a hard bound. What they had waiting is
    ///   discarded.
    func append(_ message: Waiting, from peer: [UInt8]) -> [(peer: [UInt8], connection: Int32?)] {
        let queue = queue(of: peer)
        queue.messages.append(message)
        add(message.cost, 1, to: queue)
        var cut: [(peer: [UInt8], connection: Int32?)] = []
        if queue.cost > peerLimit || queue.messages.count > peerMessages { cut.append(discard(queue)) }
        while cost > limit, let largest = queues.values.max(by: { $0.cost < $1.cost }) { cut.append(discard(largest)) }
        return cut
    }

    /// Takes out the next message: one of each connection in turn.
    func next() -> (peer: [UInt8], message: Waiting)? {
        while let queue = order.popFirst() {
            guard let message = queue.messages.popFirst() else { continue }
            add(-message.cost, -1, to: queue)
            if queue.messages.isEmpty { queues[queue.peer] = nil } else { order.append(queue) }
            return (queue.peer, message)
        }
        return nil
    }

    /// Discards what waits of a connection that is gone, where that is more than `count` messages.
    /// - Returns: whether it was.
    func discard(_ peer: [UInt8], over count: Int) -> Bool {
        guard let queue = queues[peer], queue.messages.count > count else { return false }
        _ = discard(queue)
        return true
    }

    private func queue(of peer: [UInt8]) -> Queue {
        // Many messages in a row come by one connection.
        if let last = order.last, last.peer == peer, !last.messages.isEmpty { return last }
        if let queue = queues[peer] { return queue }
        let queue = Queue(peer)
        queues[peer] = queue
        order.append(queue)
        return queue
    }

    private func add(_ bytes: Int, _ messages: Int, to queue: Queue) {
        queue.cost += bytes
        cost += bytes
        count += messages
    }

    private func discard(_ queue: Queue) -> (peer: [UInt8], connection: Int32?) {
        let connection = queue.messages.last?.sender.connection
        add(-queue.cost, -queue.messages.count, to: queue)
        queue.messages = []
        queues[queue.peer] = nil
        return (queue.peer, connection)
    }
}
