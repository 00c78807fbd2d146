import DequeModule

/// The order in which connections came that may have brought no message yet. Pure.
struct UnheardOrder {
    private var order = Deque<(descriptor: Int32, since: ContinuousClock.Instant)>()
    /// The length at which entries that do not count any more are looked for.
    private var watermark = UnheardOrder.least
    private static let least = 1024

    /// A connection stands.
    mutating func append(_ descriptor: Int32, _ since: ContinuousClock.Instant) {
        order.append((descriptor, since))
    }

    /// The connection that came first, of those that still count.
    mutating func oldest(where counts: (Int32, ContinuousClock.Instant) -> Bool) -> Int32? {
        while let first = order.first {
            if counts(first.descriptor, first.since) { return first.descriptor }
            order.removeFirst()
        }
        return nil
    }

    /// Forgets those that do not count any more, where there may be many.
    mutating func trim(where counts: (Int32, ContinuousClock.Instant) -> Bool) {
        guard order.count > watermark else { return }
        order.removeAll { !counts($0.descriptor, $0.since) }
        watermark = max(UnheardOrder.least, 2 * order.count)
    }
}
