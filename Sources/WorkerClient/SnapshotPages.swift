import MessagePack

/// The pages of a snapshot, put together.
///
/// Each page shows a different instant, so a later page may already include events after the first page. Each record
/// carries the number of the last event that it includes.
struct SnapshotPages {
    private var containers: [Value] = []
    /// Where to go on; nil where all pages are here.
    private(set) var next: String?
    /// The number of the last event before the first page: what follows the snapshot begins behind it.
    private(set) var last: UInt64?
    /// The newest epoch of a page.
    private(set) var epoch: UInt64?
    /// What later pages include that comes after the first.
    private(set) var included = IncludedEvents()

    /// Adds the next page.
    /// - Returns: false if it is malformed, or if the worker's numbers have begun again.
    mutating func add(_ page: Value) -> Bool {
        guard let last = page["last_seq"]?.unsigned, let records = page["containers"]?.array, last >= self.last ?? 0
        else { return false }
        let first = self.last ?? last
        self.last = first
        epoch = page["epoch"]?.unsigned ?? epoch
        containers += records
        for record in records { included.add(record, after: first) }
        // A page that leads to where it began leads nowhere.
        let following = page["next"]?.string
        next = following == next ? nil : following
        return true
    }

    /// The snapshot as a worker's only page would have it.
    var value: Value {
        var value: Value.Map = ["containers": .array(containers), "last_seq": .unsigned(last ?? 0)]
        if let epoch { value["epoch"] = .unsigned(epoch) }
        return .map(value)
    }
}
