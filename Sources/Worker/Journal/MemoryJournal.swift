import ContainerModel
import DequeModule

/// Keeps the newest events in memory and nothing beyond the worker's life: what `bench` measures the other one against.
final class MemoryJournal: Journal, @unchecked Sendable {
    // Sendable: used on the socket loop only.
    let epoch: UInt64 = 1
    private(set) var lastSequence: UInt64 = 0
    let trouble: String? = nil
    let damage: String? = nil
    private var events = Deque<RecordedEvent>()
    private var bytes = 0
    private var answers: [RequestKey: StoredAnswer] = [:]
    private var descriptions: [ContainerID: [UInt8]] = [:]
    private let limit: Int
    /// Events that are kept have no more bytes than this, however many they may be.
    private static let byteLimit = 128 << 20

    init(limit: Int) { self.limit = limit }

    var oldestSequence: UInt64 { events.first?.seq ?? lastSequence + 1 }

    func append(_ entry: JournalEntry, kept: @escaping @Sendable () -> Void) {
        for event in entry.events {
            events.append(event)
            bytes += event.body.count
            lastSequence = event.seq
        }
        while events.count > limit || bytes > MemoryJournal.byteLimit, let oldest = events.popFirst() {
            bytes -= oldest.body.count
        }
        for (id, description) in entry.descriptions { descriptions[id] = description }
        for (id, record) in entry.containers where record == nil { descriptions[id] = nil }
        for change in entry.requests {
            switch change {
            case .began: break
            case .answered(let key, let answer): answers[key] = answer
            case .forgotten(let key): answers[key] = nil
            }
        }
        kept()
    }

    func read(_ query: EventQuery, found: @escaping @Sendable (FoundEvents?) -> Void) {
        guard let oldest = events.first else { return found(FoundEvents(bodies: [], oldest: oldestSequence)) }
        // Sequence numbers have no gaps, so that the place of one is known.
        let first = query.after < oldest.seq ? 0 : Int(min(query.after - oldest.seq + 1, UInt64(events.count)))
        var page: [[UInt8]] = []
        var left = query.bytes
        for event in events[first...] where query.wants(event) {
            guard page.count < query.limit, left > 0 else { break }
            page.append(event.body)
            left -= event.body.count
        }
        found(FoundEvents(bodies: page, oldest: oldest.seq))
    }

    func answer(to request: RequestKey, found: @escaping @Sendable (StoredAnswer?) -> Void) { found(answers[request]) }

    func description(of id: ContainerID, found: @escaping @Sendable ([UInt8]?) -> Void) { found(descriptions[id]) }

    func takeContents() -> JournalContents { JournalContents() }

    func close() {}
}
