/// The connections of one socket, by descriptor, and whose they are. Pure: fed by the socket's monitor and its messages.
struct ConnectionTable {
    private struct Entry {
        let since: ContinuousClock.Instant
        /// Whose it is; nil until a message shows it.
        var principal: String?
        var subscriptions = 0
    }

    private var entries: [Int32: Entry] = [:]
    /// Principals that ZAP has let in, one for each connection whose first message has not come yet; the oldest first.
    ///
    /// libzmq does not report which connection a handshake was of: these count, and are cut together (``suspects(of:)``).
    private var unseen: [String] = []
    /// Connections whose owner no message has shown.
    private var unknown = 0
    /// How many connections subscribe to something.
    private(set) var subscribers = 0
    private let limit: Int

    /// - Parameter limit: the most connections.
    init(limit: Int) { self.limit = limit }

    /// How many there are.
    var count: Int { entries.count }

    /// Whether a connection stands.
    func holds(_ descriptor: Int32) -> Bool { entries[descriptor] != nil }

    // MARK: What the monitor reports

    /// A connection stands.
    /// - Returns: false where that is one too many.
    mutating func accepted(_ descriptor: Int32, at now: ContinuousClock.Instant) -> Bool {
        disconnected(descriptor)
        entries[descriptor] = Entry(since: now)
        unknown += 1
        return entries.count <= limit
    }

    /// ZAP has let a principal in. What the monitor has reported must have been taken in before.
    mutating func approve(_ principal: String) {
        unseen.append(principal)
        settle()
    }

    /// A connection is gone.
    mutating func disconnected(_ descriptor: Int32) {
        guard let entry = entries.removeValue(forKey: descriptor) else { return }
        if entry.principal == nil { unknown -= 1 }
        if entry.subscriptions > 0 { subscribers -= 1 }
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
        if let index = unseen.firstIndex(of: principal) { unseen.remove(at: index) }
        settle()
    }

    /// A connection has subscribed once more, or once less.
    /// - Returns: how many subscriptions it has; 0 where it is gone.
    mutating func subscribed(_ descriptor: Int32, _ change: Int) -> Int {
        let before = entries[descriptor]?.subscriptions ?? 0
        let count = entries[descriptor] == nil ? 0 : max(0, before + change)
        entries[descriptor]?.subscriptions = count
        subscribers += (count > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
        return count
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
