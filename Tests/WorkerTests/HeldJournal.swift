import ContainerModel
import ContainerProtocol

@testable import Worker

/// A journal in memory that confirms entries when the test says so. Used on the test's own thread.
final class HeldJournal: Journal, @unchecked Sendable {
    // Sendable: a test uses it on one thread; nothing else does.
    private(set) var epoch: UInt64 = 1
    private(set) var lastSequence: UInt64 = 0
    var oldestSequence: UInt64 { events.first?.seq ?? lastSequence + 1 }
    var trouble: String?
    let damage: String? = nil
    private var waiting: [(entry: JournalEntry, kept: @Sendable () -> Void)] = []
    private(set) var events: [RecordedEvent] = []
    private(set) var containers: [ContainerID: [UInt8]] = [:]
    private var descriptions: [ContainerID: [UInt8]] = [:]
    private var requests: [RequestKey: StoredRequest] = [:]
    private var answers: [RequestKey: StoredAnswer] = [:]
    /// How many entries were confirmed.
    private(set) var commits = 0

    /// Whether entries wait.
    var isBehind: Bool { !waiting.isEmpty && trouble == nil }

    func append(_ entry: JournalEntry, kept: @escaping @Sendable () -> Void) { waiting.append((entry, kept)) }

    /// Keeps what waits, unless the journal is in trouble.
    func confirmAll() {
        guard trouble == nil else { return }
        let confirmed = waiting
        waiting = []
        for (entry, kept) in confirmed {
            commits += 1
            keep(entry)
            kept()
        }
    }

    private func keep(_ entry: JournalEntry) {
        events += entry.events
        lastSequence = entry.events.last?.seq ?? lastSequence
        for (id, description) in entry.descriptions { descriptions[id] = description }
        for (id, record) in entry.containers {
            containers[id] = record
            if record == nil { descriptions[id] = nil }
        }
        for change in entry.requests {
            switch change {
            case .began(let request): requests[request.key] = request
            case .answered(let key, let answer):
                requests[key]?.isAnswered = true
                answers[key] = answer
            case .forgotten(let key):
                requests[key] = nil
                answers[key] = nil
            }
        }
    }

    /// What the next worker opens.
    func next() -> HeldJournal {
        let next = HeldJournal()
        next.epoch = epoch + 1
        next.lastSequence = lastSequence
        next.events = events
        next.containers = containers
        next.requests = requests
        next.descriptions = descriptions
        next.answers = answers
        return next
    }

    /// Damages the record of a container.
    func damage(_ id: ContainerID) { containers[id] = [0xC1] }

    func read(_ query: EventQuery, found: @escaping @Sendable (FoundEvents?) -> Void) {
        let bodies = events.filter { $0.seq > query.after && query.wants($0) }.prefix(query.limit).map(\.body)
        found(FoundEvents(bodies: Array(bodies), oldest: oldestSequence))
    }

    func answer(to request: RequestKey, found: @escaping @Sendable (StoredAnswer?) -> Void) { found(answers[request]) }

    func description(of id: ContainerID, found: @escaping @Sendable ([UInt8]?) -> Void) { found(descriptions[id]) }

    func takeContents() -> JournalContents {
        var contents = JournalContents()
        contents.containers = containers.map { ($0.key, $0.value) }
        contents.requests = requests.values.sorted { $0.key.id < $1.key.id }
        return contents
    }

    func close() {}
}
