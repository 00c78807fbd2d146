import ContainerModel
import ContainerProtocol
import MessagePack

/// Turns processor time that only rises into percent of one processor, from one look to the next.
actor ProcessorRates {
    private struct Look {
        let at: Timestamp
        let nanoseconds: UInt64
    }

    private var looks: [String: Look] = [:]

    /// The rate since the last look at the container; nil at the first.
    func percent(_ id: String, _ statistics: Value) -> Double? {
        guard let at = statistics["read_at"]?.timestamp, let total = statistics["processor"]?["total_ns"]?.unsigned
        else {
            return nil
        }
        return percent(id, total, at: at)
    }

    /// The rate since the last look under this name; nil at the first, and where the time went back: that is another one.
    func percent(_ name: String, _ nanoseconds: UInt64, at: Timestamp) -> Double? {
        let last = looks.updateValue(Look(at: at, nanoseconds: nanoseconds), forKey: name)
        guard let last, nanoseconds >= last.nanoseconds else { return nil }
        let passed = at.duration(since: last.at) / .nanoseconds(1)
        guard passed > 0 else { return nil }
        return Double(nanoseconds - last.nanoseconds) / passed * 100
    }
}
