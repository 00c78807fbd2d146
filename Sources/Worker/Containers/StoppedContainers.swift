import ContainerModel
import HeapModule
import MessagePack

/// The stopped containers of a host in the order in which they stopped. Pure.
struct StoppedContainers {
    private struct Entry: Comparable {
        let time: Timestamp
        let id: ContainerID

        static func < (left: Entry, right: Entry) -> Bool {
            (left.time, left.id.rawValue) < (right.time, right.id.rawValue)
        }
    }

    private var times: [ContainerID: Timestamp] = [:]
    /// Entries that `times` does not confirm are of containers that are gone.
    private var order = Heap<Entry>()

    /// How many there are.
    var count: Int { times.count }

    mutating func insert(_ id: ContainerID, at time: Timestamp) {
        times[id] = time
        order.insert(Entry(time: time, id: id))
    }

    mutating func remove(_ id: ContainerID) {
        guard times.removeValue(forKey: id) != nil else { return }
        if times.isEmpty { (times, order) = ([:], Heap()) }
        // Most of the order is of containers that are gone.
        if order.count > 2 * times.count + 64 { order = Heap(times.map { Entry(time: $0.value, id: $0.key) }) }
    }

    /// Takes out the one that stopped first, if it stopped before `time` or there are more than `limit`.
    mutating func popExpired(before time: Timestamp?, limit: Int?) -> ContainerID? {
        while let first = order.min, times[first.id] != first.time { order.removeMin() }
        guard let first = order.min else { return nil }
        let isOld = time.map { first.time < $0 } ?? false
        guard isOld || times.count > limit ?? .max else { return nil }
        order.removeMin()
        times[first.id] = nil
        return first.id
    }
}
