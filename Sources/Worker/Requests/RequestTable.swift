import ContainerModel
import ContainerProtocol
import DequeModule
import ZeroMQ

/// The requests that wait for their answer, within the limits of each peer and of all of them. Pure: no clock, no socket.
struct RequestTable {
    /// A request that waits.
    struct Entry {
        var route: ReplyRoute?
        var msgid: UInt32
        var method: Method
        var requestID: String?
        /// The container that it is about.
        var container: ContainerID?
        /// Whether it waits for an exit: it costs no work, and has a budget of its own.
        var isParked: Bool
        /// Whether it asks only, and for nothing that must be kept before it is answered.
        var isQuestion: Bool
        /// Whether its work waits for the journal to record that the request has begun.
        var isAnnounced = false
        var deadline: SocketLoop.Deadline?
        /// When it came.
        var arrivedAt = ContinuousClock.now
    }

    /// Whether a request is admitted.
    enum Admission: Equatable {
        case admitted(UInt64)
        /// The peer has too many requests waiting.
        case peerIsFull
        /// All peers together have too many requests waiting.
        case hostIsFull
    }

    private var entries: [UInt64: Entry] = [:]
    private var perPeer: [ReplyRoute.Account?: Int] = [:]
    /// Parked requests, oldest first. Those that have been answered leave when they come up, or when they are many.
    private var parkedOrder = Deque<UInt64>()
    private var parkedCount = 0
    private var lastNumber: UInt64 = 0
    private let peerLimit: Int
    private let limit: Int

    /// - Parameters:
    ///   - peerLimit: the most requests of one peer.
    ///   - limit: the most requests of all peers, and as many more that are parked.
    init(peerLimit: Int, limit: Int) {
        self.peerLimit = peerLimit
        self.limit = limit
    }

    /// How many wait.
    var count: Int { entries.count }

    /// The numbers of all that wait, oldest first.
    var numbers: [UInt64] { entries.keys.sorted() }

    /// A number for a request of the worker's own, which no peer waits for.
    mutating func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    /// Remembers a request until it is answered, unless too many wait already.
    /// - Parameter isAlwaysAdmitted: whether the limit of all peers does not apply to it.
    mutating func admit(_ entry: Entry, isAlwaysAdmitted: Bool) -> Admission {
        let peer = entry.route?.account
        let ofPeer = perPeer[peer, default: 0]
        guard ofPeer < peerLimit else { return .peerIsFull }
        guard isAlwaysAdmitted || entry.isParked || entries.count - parkedCount < limit else { return .hostIsFull }
        let number = nextNumber()
        entries[number] = entry
        perPeer[peer] = ofPeer + 1
        if entry.isParked {
            parkedOrder.append(number)
            parkedCount += 1
            forgetAnsweredParked()
        }
        return .admitted(number)
    }

    /// The parked request that has waited longest, where one more would be too many: its peer may be gone, and it may not
    /// keep others out.
    func parkedToExpire() -> UInt64? {
        guard parkedCount >= limit else { return nil }
        return parkedOrder.first { entries[$0] != nil }
    }

    /// The numbers of those that principals wait for.
    func numbers(of principals: Set<String>) -> [UInt64] {
        entries.filter { $0.value.route.map { principals.contains($0.principal.name) } ?? false }.map(\.key)
    }

    /// The request, where it waits.
    subscript(_ number: UInt64) -> Entry? { entries[number] }

    /// Gives a request that waits its deadline.
    mutating func setDeadline(_ deadline: SocketLoop.Deadline, of number: UInt64) {
        entries[number]?.deadline = deadline
    }

    /// The work of a request waits for the journal (true), or for nothing any more (false).
    /// - Returns: whether it did before.
    @discardableResult
    mutating func setAnnounced(_ isAnnounced: Bool, of number: UInt64) -> Bool {
        let was = entries[number]?.isAnnounced ?? false
        entries[number]?.isAnnounced = isAnnounced
        return was
    }

    /// Takes out a request, to answer it; nil where it has been answered.
    mutating func remove(_ number: UInt64) -> Entry? {
        guard let entry = entries.removeValue(forKey: number) else { return nil }
        if entry.isParked { parkedCount -= 1 }
        let peer = entry.route?.account
        let left = perPeer[peer, default: 1] - 1
        perPeer[peer] = left > 0 ? left : nil
        return entry
    }

    private mutating func forgetAnsweredParked() {
        while let first = parkedOrder.first, entries[first] == nil { parkedOrder.removeFirst() }
        guard parkedOrder.count > 2 * parkedCount + 1024 else { return }
        parkedOrder.removeAll { entries[$0] == nil }
    }
}
