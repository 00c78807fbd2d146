import DequeModule
import OrderedCollections

/// Which subscriptions are to be welcomed, and how many at a time. Pure.
///
/// A welcome goes out under the subscription's own prefix, and so reaches every collector of a shorter prefix too: many
/// subscriptions at once may not crowd out their events. Connections take turns, so that one with many subscriptions
/// makes no other wait.
struct Welcomes {
    /// The prefixes of each connection that wait.
    private var queues: OrderedDictionary<UInt64, Deque<[UInt8]>> = [:]
    /// Prefixes that have not been welcomed since the last subscription to them.
    private var waiting: Set<[UInt8]> = []
    private var count = 0
    private var left = Welcomes.perSecond
    private var second: ContinuousClock.Instant

    /// The most welcomes in a second.
    static let perSecond = 200
    /// The most prefixes that wait, of one connection and of all; the subscribers of others see that the stream is alive
    /// by its heartbeats.
    static let limitOfOne = 1024
    static let limit = 4096

    init(at now: ContinuousClock.Instant) { second = now }

    /// A connection has subscribed to `prefix`. Subscriptions to the same prefix share a welcome.
    mutating func add(_ prefix: [UInt8], of connection: UInt64) {
        let own = queues[connection]?.count ?? 0
        guard own < Welcomes.limitOfOne else { return }
        if count >= Welcomes.limit {
            // The connection with the most gives way to one with few.
            guard let largest = queues.max(by: { $0.value.count < $1.value.count }), largest.value.count > own + 1
            else { return }
            queues[largest.key]?.removeLast()
            count -= 1
        }
        queues[connection, default: []].append(prefix)
        waiting.insert(prefix)
        count += 1
    }

    /// Takes out the prefixes that are welcomed now: one of each connection in turn.
    mutating func take(at now: ContinuousClock.Instant) -> [[UInt8]] {
        if now - second >= .seconds(1) {
            second = now
            left = Welcomes.perSecond
        }
        var due: [[UInt8]] = []
        while due.count < left, let (connection, queue) = queues.elements.first {
            queues.removeFirst()
            var queue = queue
            guard let prefix = queue.popFirst() else { continue }
            count -= 1
            if !queue.isEmpty { queues[connection] = queue }
            if waiting.remove(prefix) != nil { due.append(prefix) }
        }
        left -= due.count
        if queues.isEmpty { waiting.removeAll() }
        return due
    }
}
