import ContainerModel
import ContainerProtocol
import DequeModule
import Logging
import MessagePack

/// Where events go once the journal has them: the event socket, or a test's list.
protocol EventSink: AnyObject {
    /// Publishes events that are kept, in their order.
    func publish(_ events: [RecordedEvent])
}

/// The transactional outbox: what one turn of the loop commits, and what may run after the commit.
///
/// Numbers every event and hands it to the journal with the changed records and answers, in one entry per turn of the
/// loop. Once the journal has committed an entry, its events are published. Then the work that waited for it runs, such
/// as the reply to the request that caused an event, or the driver call that a record announces. On the loop only.
final class Outbox {
    private let host: String
    private let journal: any Journal
    private let sink: any EventSink
    private let loop: any HostLoop
    private let crashPlan: CrashPlan?
    private let writer = Writer()

    /// Changes that were not handed to the journal yet, and the work that waits for them.
    private var entry = JournalEntry()
    /// Containers whose record changed, with its encoder; nil if the container was removed.
    private var changed: [ContainerID: ((Writer) -> Void)?] = [:]
    private var waiting: [Follower] = []
    /// For each entry that the journal has not confirmed, oldest first, the work that waits for it.
    private var unconfirmed = Deque<[Follower]>()
    /// Since when the oldest of them has waited.
    private var waitingSince: ContinuousClock.Instant
    /// The number of the newest event, confirmed or not.
    private(set) var lastNumbered: UInt64
    private var isClosed = false

    /// Work that waits for the journal.
    private struct Follower {
        let work: () -> Void
        /// Whether it answers a request that only reads. Such an answer does not wait for a journal in trouble.
        let isQuestion: Bool
    }

    /// A commit that takes longer counts as trouble.
    private static let patience = Duration.seconds(2)

    /// An outbox that continues the numbers of `journal`.
    init(host: String, journal: any Journal, sink: any EventSink, on loop: any HostLoop, crashPlan: CrashPlan? = nil) {
        self.host = host
        self.journal = journal
        self.sink = sink
        self.loop = loop
        self.crashPlan = crashPlan
        lastNumbered = journal.lastSequence
        waitingSince = loop.now
    }

    /// Closes the journal. What happens after this is not kept, published or answered: the next worker asks the host.
    func close() {
        isClosed = true
        journal.close()
    }

    // MARK: What a turn wants kept

    /// The number of this start of the worker.
    var epoch: UInt64 { journal.epoch }
    /// The number of the newest event that is kept.
    var lastKept: UInt64 { journal.lastSequence }
    /// Why nothing can be kept, and so nothing is published, now; nil where it can.
    var trouble: String? {
        if let trouble = journal.trouble { return trouble }
        guard !unconfirmed.isEmpty, loop.now - waitingSince > Outbox.patience else { return nil }
        return "the disk does not answer"
    }

    /// What of the journal has been found damaged; nil where nothing has.
    var damage: String? { journal.damage }

    /// The number of the oldest event that is kept; one more than the newest where there is none.
    var oldestKept: UInt64 { journal.oldestSequence }

    /// What is counted of the journal's commits.
    var journalFigures: JournalFigures { journal.figures }

    /// How long the journal has been in one and the same commit; nil while none is under way.
    var commitDuration: Duration? { journal.committingSince.map { loop.now - $0 } }

    /// Numbers an event; it is kept at the end of the loop's turn, and then published.
    /// - Returns: its number.
    @discardableResult
    func record(_ event: consuming Event) -> UInt64 {
        lastNumbered += 1
        event.host = host
        event.epoch = journal.epoch
        event.seq = lastNumbered
        writer.clear()
        event.encode(to: writer)
        entry.events.append(
            RecordedEvent(
                seq: event.seq, kind: event.kind, id: event.id, second: event.time.seconds, body: writer.bytes))
        return lastNumbered
    }

    /// The record of a container has changed: it is kept as `encode` writes it at the end of the loop's turn.
    func save(_ id: ContainerID, _ encode: @escaping (Writer) -> Void) { changed[id] = .some(encode) }

    /// Whether the record of a container will be kept at the end of this turn anyway.
    func isSaving(_ id: ContainerID) -> Bool { (changed[id] ?? nil) != nil }

    /// Keeps what a container is made of, until its record is removed.
    func save(description: Value, of id: ContainerID) {
        writer.clear()
        writer.value(description)
        entry.descriptions[id] = writer.bytes
    }

    /// Removes the record of a container.
    func forget(_ id: ContainerID) { changed[id] = .some(nil) }

    /// Adds a change of an idempotent request to the entry.
    func save(_ change: RequestChange) { entry.requests.append(change) }

    // MARK: After the commit

    /// Whether everything so far has been committed and published.
    var isSettled: Bool { !hasNews && unconfirmed.isEmpty }

    /// Whether there are changes that were not handed to the journal yet.
    private var hasNews: Bool { !entry.isEmpty || !changed.isEmpty }

    /// Runs `work` after everything so far has been committed and published; at once if it has been already.
    /// - Parameter isQuestion: `work` answers a request that only reads, and also runs while the journal is in trouble.
    func afterCommit(isQuestion: Bool = false, _ work: @escaping () -> Void) {
        if isSettled || isQuestion && trouble != nil {
            work()
        } else if hasNews {
            waiting.append(Follower(work: work, isQuestion: isQuestion))
        } else {
            unconfirmed[unconfirmed.count - 1].append(Follower(work: work, isQuestion: isQuestion))
        }
    }

    /// Runs the answers to questions that wait for a journal in trouble.
    func releaseQuestions() {
        guard trouble != nil else { return }
        var questions: [Follower] = []
        for index in unconfirmed.indices {
            questions += unconfirmed[index].filter(\.isQuestion)
            unconfirmed[index].removeAll(where: \.isQuestion)
        }
        questions += waiting.filter(\.isQuestion)
        waiting.removeAll(where: \.isQuestion)
        for question in questions { question.work() }
    }

    /// Hands what has gathered to the journal. At the end of every turn of the loop.
    func flush() {
        guard hasNews, !isClosed else { return }
        for (id, encode) in changed { entry.containers[id] = .some(encode.map(encoded)) }
        changed.removeAll(keepingCapacity: changed.count < 1024)
        let full = entry
        entry = JournalEntry()
        if unconfirmed.isEmpty { waitingSince = loop.now }
        unconfirmed.append(waiting)
        waiting = []
        let outbox = LoopBound(self, to: loop)
        journal.append(full) { outbox.value.confirmed(full.events) }
    }

    private func encoded(_ encode: (Writer) -> Void) -> [UInt8] {
        writer.clear()
        encode(writer)
        return writer.bytes
    }

    /// The journal has the oldest entry that it had not confirmed.
    private func confirmed(_ events: [RecordedEvent]) {
        guard !isClosed else { return }
        crashPlan?.reach(.publish)
        if !events.isEmpty { sink.publish(events) }
        crashPlan?.reach(.reply)
        waitingSince = loop.now
        for follower in unconfirmed.popFirst() ?? [] { follower.work() }
    }

    // MARK: Reading

    /// Finds events that are kept; nil where they cannot be read.
    func read(_ query: EventQuery, found: @escaping (FoundEvents?) -> Void) {
        let found = LoopBound(found, to: loop)
        journal.read(query) { found.value($0) }
    }

    /// Finds the answer to a request that is kept.
    func answer(to request: RequestKey, found: @escaping (StoredAnswer?) -> Void) {
        let found = LoopBound(found, to: loop)
        journal.answer(to: request) { found.value($0) }
    }

    /// Finds what a container is made of; nil where that is not kept.
    func description(of id: ContainerID, found: @escaping (Value?) -> Void) {
        let found = LoopBound(found, to: loop)
        journal.description(of: id) { bytes in found.value(bytes.flatMap { try? Reader().value($0) }) }
    }
}
