/// The connections of one socket, by descriptor, and whose they are. Pure: fed by the socket's monitor and its messages.
struct ConnectionTable {
    private struct Entry {
        let since: ContinuousClock.Instant
        /// The newest handshake when it was accepted: its own has a higher number.
        let floor: UInt64
        /// The number of its handshake, where a message has shown it.
        var handshake: UInt64?
        /// Whose it is; nil until a message shows it.
        var principal: String?
        /// Whether it was cut: its end has not been reported yet.
        var isCut = false
        var subscriptions = Subscriptions()
    }

    private var entries: [Int32: Entry] = [:]
    /// Principals that ZAP has let in, one for each connection whose first message has not come yet; the oldest first.
    ///
    /// libzmq does not report which connection a handshake was of: these count, and are cut together (``suspects(of:)``).
    private var unseen: [String] = []
    /// Connections whose owner no message has shown.
    private var unknown = 0
    /// Connections that were not cut, and those of them that have brought no message.
    private var standing = 0
    private var unheard = 0
    private var latestHandshake: UInt64 = 0
    private var unheardOrder = UnheardOrder()
    /// How many connections subscribe to something.
    private(set) var subscribers = 0
    private let limit: Int

    /// - Parameter limit: the most connections; half of them may stand without a message.
    init(limit: Int) { self.limit = limit }

    /// How many there are.
    var count: Int { entries.count }

    // MARK: What the monitor reports

    /// A connection stands.
    ///
    /// One that has brought no message may be in the midst of its handshake for as long as its peer likes. So those that
    /// show nothing have a bound of their own, and the oldest of them gives way: an honest peer is the newest for the
    /// short time that its handshake takes.
    /// - Returns: the connection to cut; nil where there is room.
    mutating func accepted(_ descriptor: Int32, at now: ContinuousClock.Instant) -> Int32? {
        disconnected(descriptor)
        entries[descriptor] = Entry(since: now, floor: latestHandshake)
        unheardOrder.append(descriptor, now)
        unknown += 1
        unheard += 1
        standing += 1
        let counts = { [entries] (descriptor: Int32, since: ContinuousClock.Instant) in
            entries[descriptor].map { $0.since == since && !$0.isCut && $0.principal == nil } ?? false
        }
        unheardOrder.trim(where: counts)
        guard standing > limit || unheard > max(1, limit / 2) else { return nil }
        return unheardOrder.oldest(where: counts)
    }

    /// ZAP has let a principal in. What the monitor has reported must have been taken in before.
    /// - Parameters:
    ///   - principal: nil for peers of this host, which share one.
    ///   - handshake: its number, which messages of the connection show.
    mutating func approve(_ principal: String?, handshake: UInt64) {
        latestHandshake = max(latestHandshake, handshake)
        guard let principal else { return }
        unseen.append(principal)
        settle()
    }

    /// A connection was cut: it makes room for others, and its end is reported later.
    mutating func wasCut(_ descriptor: Int32) {
        guard let entry = entries[descriptor], !entry.isCut else { return }
        entries[descriptor]?.isCut = true
        standing -= 1
        if entry.principal == nil { unheard -= 1 }
    }

    /// A connection is gone.
    mutating func disconnected(_ descriptor: Int32) {
        wasCut(descriptor)
        guard let entry = entries.removeValue(forKey: descriptor) else { return }
        if entry.principal == nil { unknown -= 1 }
        if !entry.subscriptions.isEmpty { subscribers -= 1 }
        settle()
    }

    /// Each that was let in has a connection whose owner is not known: of more, the oldest are gone. Which connection of
    /// several left is not known, and a message that outlives its connection may have shown the owner of the next one
    /// with the same descriptor.
    private mutating func settle() {
        while unseen.count > unknown { unseen.removeFirst() }
    }

    // MARK: What messages show

    /// Whether a connection is known to be of `principal`.
    func isProven(_ descriptor: Int32, _ principal: String) -> Bool { entries[descriptor]?.principal == principal }

    /// A message shows whose a connection is. A message may outlive its connection: then it shows nothing.
    mutating func prove(_ descriptor: Int32, _ principal: String) {
        guard let entry = entries[descriptor] else { return }
        entries[descriptor]?.principal = principal
        guard entry.principal == nil else { return }
        unknown -= 1
        if !entry.isCut { unheard -= 1 }
        if let index = unseen.firstIndex(of: principal) { unseen.remove(at: index) }
        settle()
    }

    /// Whether a message with the number of its handshake came by the connection that has the descriptor now, and not by
    /// an earlier one.
    mutating func isCurrent(_ descriptor: Int32, handshake: UInt64) -> Bool {
        guard let entry = entries[descriptor], handshake > entry.floor else { return false }
        if entry.handshake == nil { entries[descriptor]?.handshake = handshake }
        return handshake == entries[descriptor]?.handshake
    }

    // MARK: Subscriptions

    /// A connection has subscribed, or ended subscriptions.
    /// - Returns: whether it has too many by now.
    mutating func subscribed(_ report: SubscriptionReport, at now: ContinuousClock.Instant) -> Bool {
        let wasSubscriber = entries[report.connection]?.subscriptions.isEmpty == false
        let isTooMuch = entries[report.connection]?.subscriptions.add(report, at: now) ?? false
        let isSubscriber = entries[report.connection]?.subscriptions.isEmpty == false
        subscribers += (isSubscriber ? 1 : 0) - (wasSubscriber ? 1 : 0)
        return isTooMuch
    }

    /// The connection with the most text in its subscriptions, where those of all connections are too many.
    var heaviest: Int32? {
        let all = entries.filter { !$0.value.isCut }
        guard all.values.reduce(0, { $0 + $1.subscriptions.bytes }) > Subscriptions.bytesOfAll else { return nil }
        return all.max { $0.value.subscriptions.bytes < $1.value.subscriptions.bytes }?.key
    }

    /// Connections that have brought more than subscribers need.
    /// - Parameter received: gives what a connection has received, from its descriptor and the result before.
    mutating func flooding(
        at now: ContinuousClock.Instant, received: (_ descriptor: Int32, _ before: UInt64) -> UInt64
    ) -> [Int32] {
        var found: [Int32] = []
        var sent: [(descriptor: Int32, bytes: UInt64)] = []
        for (descriptor, entry) in entries where !entry.isCut {
            let count = received(descriptor, entry.subscriptions.received)
            let inSpan = entries[descriptor]?.subscriptions.take(received: count, since: entry.since, at: now) ?? 0
            sent.append((descriptor, inSpan))
            if inSpan > Subscriptions.bytesInSpan { found.append(descriptor) }
        }
        // Many that send less each are too much together: those that send more than the average give way.
        let all = sent.reduce(0) { $0 + $1.bytes }
        guard all > Subscriptions.bytesOfAllInSpan, found.isEmpty else { return found }
        return sent.filter { $0.bytes > all / UInt64(sent.count) }.map(\.descriptor)
    }

    // MARK: Questions

    /// The connections of a principal, those without a message included.
    func count(of principal: String) -> Int {
        entries.values.count { $0.principal == principal } + unseen.count { $0 == principal }
    }

    /// The connections of principals, those without a message left out.
    func descriptors(of principals: Set<String>) -> [Int32] {
        entries.filter { $0.value.principal.map(principals.contains) ?? false }.map(\.key)
    }

    /// The connections that have brought no message, where some of them are of principals, and how many those are. The
    /// others are innocent, and come back.
    func suspects(of principals: Set<String>) -> (descriptors: [Int32], count: Int) {
        let count = unseen.count { principals.contains($0) }
        guard count > 0 else { return ([], 0) }
        return (entries.filter { $0.value.principal == nil }.map(\.key), count)
    }

    /// Connections that have stood for `duration` without a message.
    func silent(for duration: Duration, at now: ContinuousClock.Instant) -> [Int32] {
        entries.filter { $0.value.principal == nil && now - $0.value.since > duration }.map(\.key)
    }
}
