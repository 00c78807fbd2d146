import ContainerModel

/// Where everything that must survive the worker goes before it is published or answered: events, the containers'
/// records, and the answers to requests that run once.
///
/// Called on the socket loop. One journal serves one host, whose sequence numbers it keeps over restarts.
protocol Journal: AnyObject, Sendable {
    /// The number of this start of the worker.
    var epoch: UInt64 { get }
    /// The number of the newest event that is kept; 0 where there was none yet.
    var lastSequence: UInt64 { get }
    /// The number of the oldest event that can still be read; one more than the newest where there is none.
    var oldestSequence: UInt64 { get }
    /// Why nothing can be kept now; nil where it can.
    var trouble: String? { get }
    /// What of it has been found damaged; nil where nothing has.
    var damage: String? { get }
    /// Since when it has been in one and the same commit; nil while none is under way.
    var committingSince: ContinuousClock.Instant? { get }
    /// What is counted of its commits.
    var figures: JournalFigures { get }

    /// Keeps all of `entry` or nothing of it, and then calls `kept` on the loop. Entries are kept in order; one that
    /// cannot be kept is tried again until it can.
    ///
    /// The numbers of the entry's events follow those of earlier entries without a gap.
    func append(_ entry: JournalEntry, kept: @escaping @Sendable () -> Void)

    /// Finds events, oldest first, and calls `found` with them on the loop; nil where the journal cannot be read.
    func read(_ query: EventQuery, found: @escaping @Sendable (FoundEvents?) -> Void)

    /// Finds the answer to a request that is kept, and calls `found` with it on the loop; nil where there is none.
    func answer(to request: RequestKey, found: @escaping @Sendable (StoredAnswer?) -> Void)

    /// Finds what a container is made of, and calls `found` with it on the loop; nil where that is not kept, or is
    /// damaged.
    func description(of id: ContainerID, found: @escaping @Sendable ([UInt8]?) -> Void)

    /// Gives up what was there when the journal was opened; a second call finds nothing.
    func takeContents() -> JournalContents

    /// Waits until everything is kept, but not for long, and closes.
    func close()
}

extension Journal {
    // What a journal in memory has.
    var committingSince: ContinuousClock.Instant? { nil }
    var figures: JournalFigures { JournalFigures() }
}

/// What one turn of the loop wants to have kept.
struct JournalEntry: Sendable {
    /// Events that have their numbers.
    var events: [RecordedEvent] = []
    /// The encoded records of containers that changed; nil for one that was removed.
    var containers: [ContainerID: [UInt8]?] = [:]
    /// What containers are made of, encoded; it goes with the container's record.
    var descriptions: [ContainerID: [UInt8]] = [:]
    /// What became of requests that run once, in order.
    var requests: [RequestChange] = []

    var isEmpty: Bool {
        events.isEmpty && containers.isEmpty && descriptions.isEmpty && requests.isEmpty
    }
}

/// What a journal held when it was opened.
struct JournalContents: Sendable {
    /// The encoded records of all containers.
    var containers: [(id: ContainerID, record: [UInt8])] = []
    /// Requests that run once, oldest first.
    var requests: [StoredRequest] = []
    /// Containers whose record is damaged. Their ids stay taken.
    var damaged: [ContainerID] = []
    /// How many of the requests are damaged.
    var damagedRequests = 0
}

/// An event that has its number, as it goes over the wire.
struct RecordedEvent: Sendable {
    var seq: UInt64
    var kind: Event.Kind
    var id: ContainerID?
    /// Whole seconds since 1970, for retention by age.
    var second: Int64
    /// The encoded body.
    var body: [UInt8]
}

/// Which events `events` asks for.
struct EventQuery: Sendable {
    var after: UInt64
    var limit: Int
    /// Not many more than this many bytes.
    var bytes: Int
    var kinds: Set<String>?
    var ids: Set<ContainerID>?

    func wants(_ event: RecordedEvent) -> Bool {
        (kinds?.contains(event.kind.rawValue) ?? true)
            && (ids.map { ids in event.id.map(ids.contains) ?? false } ?? true)
    }
}

/// Events that were asked for, and what was kept at that same moment.
struct FoundEvents: Sendable {
    /// The encoded bodies.
    var bodies: [[UInt8]]
    /// The number of the oldest event that is kept; one more than the newest where there is none.
    var oldest: UInt64
    /// The number of the first event behind these that is damaged or missing; nil where none was found.
    var damaged: UInt64?
}

/// How long events are kept: no longer than both.
struct EventRetention: Sendable {
    /// The most events.
    var count: Int
    /// The most seconds.
    var seconds: Int64
}
