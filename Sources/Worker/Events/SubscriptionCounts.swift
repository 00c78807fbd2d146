/// How many subscriptions each connection has sent lately: one that sends without end is cut. Pure.
struct SubscriptionCounts {
    private var counts: [Int32: Int] = [:]
    private var began: ContinuousClock.Instant

    /// The most subscriptions, and ends of such, of one connection in each span.
    static let limit = 10_000
    static let span = Duration.seconds(10)

    init(at now: ContinuousClock.Instant) { began = now }

    /// A connection has subscribed once more.
    /// - Returns: whether it is to be cut.
    mutating func add(_ connection: Int32, at now: ContinuousClock.Instant) -> Bool {
        if now - began >= SubscriptionCounts.span {
            began = now
            counts.removeAll()
        }
        counts[connection, default: 0] += 1
        return counts[connection, default: 0] == SubscriptionCounts.limit
    }
}
