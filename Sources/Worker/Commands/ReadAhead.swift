import DequeModule

/// Messages that were read from the command socket before their turn. They show which peer sends faster than it is
/// served.
///
/// libzmq's own input queue has no limit (`RCVHWM` is 0, since libzmq 4.3.4 can be made to abort where input stops),
/// and its length cannot be asked for. So the socket reads ahead from time to time while it is busy, and what it finds
/// waits here, in one queue per connection, which are served in turns. Pure: no socket, no clock.
struct ReadAhead {
    /// A message without its routing id.
    struct Waiting {
        private(set) var frames: [[UInt8]] = []
        var sender = CommandSocket.Sender()

        /// The most frames that are kept: as many as a request may have, and one more that shows that it has too many.
        private static let frameLimit = RequestFrames.longestEnvelope + 3

        /// Adds the next frame.
        mutating func add(_ frame: [UInt8]) {
            if frames.count < Waiting.frameLimit { frames.append(frame) }
        }

        /// About how many bytes it takes.
        var cost: Int { frames.reduce(96) { $0 + $1.count + 32 } }
    }

    private struct Queue {
        var messages = Deque<Waiting>()
        var cost = 0
    }

    private var queues: [[UInt8]: Queue] = [:]
    /// Routing ids with messages, in the order in which they are served.
    private var order = Deque<[UInt8]>()
    /// Bytes of all messages that wait.
    private(set) var cost = 0
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

    var isEmpty: Bool { queues.isEmpty }

    /// Puts a message behind those of the same connection.
    /// - Returns: routing ids and descriptors of connections that are over a hard bound. What they had waiting is
    ///   discarded.
    mutating func append(_ message: Waiting, from peer: [UInt8]) -> [(peer: [UInt8], connection: Int32?)] {
        if queues[peer] == nil { order.append(peer) }
        queues[peer, default: Queue()].messages.append(message)
        queues[peer]?.cost += message.cost
        cost += message.cost
        var cut: [(peer: [UInt8], connection: Int32?)] = []
        if let own = queues[peer], own.cost > peerLimit || own.messages.count > peerMessages {
            cut.append(discard(peer))
        }
        while cost > limit, let largest = queues.max(by: { $0.value.cost < $1.value.cost }) {
            cut.append(discard(largest.key))
        }
        return cut
    }

    /// Takes out the next message: one of each connection in turn.
    mutating func next() -> (peer: [UInt8], message: Waiting)? {
        while let peer = order.popFirst() {
            guard let message = queues[peer]?.messages.popFirst() else { continue }
            cost -= message.cost
            queues[peer]?.cost -= message.cost
            if queues[peer]?.messages.isEmpty ?? true { queues[peer] = nil } else { order.append(peer) }
            return (peer, message)
        }
        return nil
    }

    private mutating func discard(_ peer: [UInt8]) -> (peer: [UInt8], connection: Int32?) {
        let queue = queues.removeValue(forKey: peer)
        cost -= queue?.cost ?? 0
        return (peer, queue?.messages.last?.sender.connection)
    }
}
