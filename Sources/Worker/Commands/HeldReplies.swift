import DequeModule

/// Replies that their peers' full queues have not taken yet, up to a bound for each principal and for all of them. Pure.
struct HeldReplies {
    /// A reply that waits for room in its peer's queue.
    struct Reply {
        let body: [UInt8]
        let route: ReplyRoute
    }

    private struct Queue {
        var replies = Deque<Reply>()
        var bytes = 0
    }

    private var queues: [[UInt8]: Queue] = [:]
    private var bytes = 0
    private var accountBytes: [ReplyRoute.Account: Int] = [:]
    private let peerLimit: Int
    private let limit: Int

    /// - Parameters:
    ///   - peerLimit: bytes that are held for one principal, or one peer of this host.
    ///   - limit: bytes that are held for all of them.
    init(peerLimit: Int = 1 << 20, limit: Int = 16 << 20) {
        self.peerLimit = peerLimit
        self.limit = limit
    }

    var isEmpty: Bool { queues.isEmpty }

    /// The routing ids of peers whose replies are held.
    var peers: [[UInt8]] { Array(queues.keys) }

    /// Whether replies to `peer` are held: later ones must wait behind them.
    func holds(_ peer: [UInt8]) -> Bool { queues[peer] != nil }

    /// The reply to send next to `peer`.
    func first(_ peer: [UInt8]) -> Reply? { queues[peer]?.replies.first }

    /// Holds a reply.
    /// - Returns: the route to a peer that is over a hard bound; its replies are discarded.
    mutating func add(_ reply: Reply) -> ReplyRoute? {
        let peer = reply.route.routingID
        queues[peer, default: Queue()].replies.append(reply)
        count(reply, peer, 1)
        if accountBytes[reply.route.account, default: 0] > peerLimit {
            discard(peer)
            return reply.route
        }
        guard bytes > limit, let largest = queues.max(by: { $0.value.bytes < $1.value.bytes }) else { return nil }
        discard(largest.key)
        return largest.value.replies.last?.route
    }

    /// The first reply to `peer` has been sent.
    mutating func removeFirst(_ peer: [UInt8]) {
        guard let reply = queues[peer]?.replies.popFirst() else { return }
        count(reply, peer, -1)
        if queues[peer]?.replies.isEmpty ?? false { queues[peer] = nil }
    }

    /// Discards the replies to a peer that is gone.
    mutating func discard(_ peer: [UInt8]) {
        for reply in queues[peer]?.replies ?? [] { count(reply, peer, -1) }
        queues[peer] = nil
    }

    /// Counts a reply that came (1) or went (-1).
    private mutating func count(_ reply: Reply, _ peer: [UInt8], _ sign: Int) {
        let change = sign * reply.body.count
        bytes += change
        queues[peer]?.bytes += change
        let account = reply.route.account
        let left = accountBytes[account, default: 0] + change
        accountBytes[account] = left > 0 ? left : nil
    }
}
