/// The connections of one socket, by descriptor, and whose they are. Pure: fed by the socket's monitor and its messages.
struct ConnectionTable {
    private struct Entry {
        var since: ContinuousClock.Instant
        var principal: String?
        /// Whether a message has shown whose it is; before, it is a guess from the order of handshakes.
        var isProven = false
        var subscriptions = 0
    }

    private var entries: [Int32: Entry] = [:]
    /// Principals whose handshakes were accepted and are not done yet, in that order.
    private var approved: [(principal: String, at: ContinuousClock.Instant)] = []
    private let limit: Int

    /// A handshake that has not been done after this long never will be.
    private static let patience = Duration.seconds(5)

    /// - Parameter limit: the most connections.
    init(limit: Int) { self.limit = limit }

    /// How many there are.
    var count: Int { entries.count }

    // MARK: What the monitor reports

    /// A peer has connected.
    /// - Returns: false where that is one too many.
    mutating func accepted(_ descriptor: Int32, at now: ContinuousClock.Instant) -> Bool {
        entries[descriptor] = Entry(since: now)
        return entries.count <= limit
    }

    /// ZAP has let a principal in.
    mutating func approve(_ principal: String, at now: ContinuousClock.Instant) {
        approved.removeAll { now - $0.at > ConnectionTable.patience }
        approved.append((principal, now))
    }

    /// A handshake is done. libzmq does not say whose; with one I/O thread they are done in the order of their approval.
    mutating func connected(_ descriptor: Int32, at now: ContinuousClock.Instant) {
        entries[descriptor, default: Entry(since: now)].since = now
        approved.removeAll { now - $0.at > ConnectionTable.patience }
        guard !approved.isEmpty else { return }
        entries[descriptor]?.principal = approved.removeFirst().principal
    }

    /// A connection is gone.
    mutating func disconnected(_ descriptor: Int32) { entries[descriptor] = nil }

    // MARK: What messages show

    /// Whether a connection is known to be of `principal`.
    func isProven(_ descriptor: Int32, _ principal: String) -> Bool {
        guard let entry = entries[descriptor] else { return false }
        return entry.isProven && entry.principal == principal
    }

    /// A message shows whose a connection is.
    mutating func prove(_ descriptor: Int32, _ principal: String, at now: ContinuousClock.Instant) {
        entries[descriptor, default: Entry(since: now)].principal = principal
        entries[descriptor]?.isProven = true
    }

    /// A connection has subscribed once more, or once less.
    /// - Returns: how many subscriptions it has.
    mutating func subscribed(_ descriptor: Int32, _ change: Int, at now: ContinuousClock.Instant) -> Int {
        let count = max(0, (entries[descriptor]?.subscriptions ?? 0) + change)
        entries[descriptor, default: Entry(since: now)].subscriptions = count
        return count
    }

    // MARK: Questions

    /// The connections of a principal, and those on their way.
    func count(of principal: String) -> Int {
        entries.values.count { $0.principal == principal } + approved.count { $0.principal == principal }
    }

    /// The connections of principals.
    func descriptors(of principals: Set<String>) -> [Int32] {
        entries.filter { $0.value.principal.map(principals.contains) ?? false }.map(\.key)
    }

    /// Connections that have stood for `duration` without a message.
    func silent(for duration: Duration, at now: ContinuousClock.Instant) -> [Int32] {
        entries.filter { !$0.value.isProven && now - $0.value.since > duration }.map(\.key)
    }
}
