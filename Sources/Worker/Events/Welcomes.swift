import OrderedCollections

/// Which subscriptions are to be welcomed, and how many at a time. Pure.
///
/// A welcome goes out under the subscription's own prefix, and so reaches every collector of a shorter prefix too: many
/// subscriptions at once may not crowd out their events.
struct Welcomes {
    private var waiting: OrderedSet<[UInt8]> = []
    private var left = Welcomes.perSecond
    private var second: ContinuousClock.Instant

    /// The most welcomes in a second.
    static let perSecond = 200
    /// The most prefixes that wait for one; the subscribers of others see that the stream is alive by its heartbeats.
    static let limit = 4096

    init(at now: ContinuousClock.Instant) { second = now }

    /// A peer has subscribed to `prefix`. Subscriptions to the same prefix share a welcome.
    mutating func add(_ prefix: [UInt8]) {
        if waiting.count < Welcomes.limit { waiting.append(prefix) }
    }

    /// Takes out the prefixes that are welcomed now.
    mutating func take(at now: ContinuousClock.Instant) -> [[UInt8]] {
        if now - second >= .seconds(1) {
            second = now
            left = Welcomes.perSecond
        }
        let due = Array(waiting.prefix(left))
        left -= due.count
        waiting.removeFirst(due.count)
        return due
    }
}
