import MessagePack

/// Which events the records of a snapshot include, although they come after its first page.
struct IncludedEvents {
    /// The number of the newest event of each container that is ahead.
    private var newest: [String: UInt64] = [:]
    /// The greatest of them.
    private var end: UInt64 = 0

    var isEmpty: Bool { newest.isEmpty }

    /// Adds a record, which carries the number of the newest event that it includes.
    /// - Parameter first: the last event before the first page.
    mutating func add(_ record: Value, after first: UInt64) {
        guard let id = record["id"]?.string, let seq = record["seq"]?.unsigned, seq > first else { return }
        newest[id] = seq
        end = max(end, seq)
    }

    /// Whether a record includes `event`. Must be called for every event after the first page, in order: beyond the
    /// greatest number everything is forgotten.
    mutating func contains(_ event: Value) -> Bool {
        guard let seq = event["seq"]?.unsigned, seq <= end else {
            newest = [:]
            return false
        }
        guard let id = event["id"]?.string, let own = newest[id] else { return false }
        return seq <= own
    }
}
