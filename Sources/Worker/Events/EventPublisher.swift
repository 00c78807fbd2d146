import ContainerProtocol
import DequeModule
import Logging
import MessagePack
import ZeroMQ

/// Owns the event socket and the journal: numbers every event, keeps it with the records that changed, and only then
/// publishes it.
///
/// Runs on the socket loop. What one turn of the loop brings is kept in one piece at its end. What is to follow, such as
/// the reply to the request that caused an event or the driver call that a record announces, is given to
/// ``whenPublished(_:)``.
actor EventPublisher {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let host: String
    private let ipcMode: FileMode
    private let journal: any Journal
    private let crashPlan: CrashPlan?
    private let socket: Socket
    private let logger: Logger
    private let writer = Writer()
    private var message = Message()
    private var topic: [UInt8] = []

    /// What the journal has not been given yet, and what follows it.
    private var pending = JournalEntry()
    /// Containers whose record changed; nil where one is no more.
    private var changed: [ContainerID: ContainerQueue?] = [:]
    private var followers: [Follower] = []
    /// For each entry that the journal has not confirmed, oldest first, what follows it.
    private var unconfirmed = Deque<[Follower]>()
    /// Since when the oldest of them has waited.
    private var waitingSince = ContinuousClock.now
    /// The number of the newest event, confirmed or not.
    private var lastNumbered: UInt64
    private var lastSent = ContinuousClock.now
    private var isClosed = false

    /// What waits for the journal.
    private struct Follower {
        let work: @Sendable () -> Void
        /// Whether it answers a question: such an answer changes nothing, and does not wait for a journal in trouble.
        let isQuestion: Bool
    }

    /// A commit that takes longer is trouble.
    private static let patience = Duration.seconds(2)

    /// Binds the event socket. On the loop.
    init(configuration: WorkerConfiguration, journal: any Journal, loop: SocketLoop, logger: Logger) throws {
        unownedExecutor = loop.asUnownedSerialExecutor()
        host = configuration.host
        ipcMode = configuration.ipcMode
        self.journal = journal
        self.logger = logger
        crashPlan = configuration.crashPlan
        lastNumbered = journal.lastSequence
        socket = try Socket(.xpub, in: loop.context)
        try socket.configure(configuration)
        // What comes in are subscriptions, and libzmq keeps each of them in a tree of some 30 bytes per byte: none needs
        // to be longer than the longest topic.
        try socket.set(.maximumMessageSize, EventPublisher.longestSubscription)
        try socket.set(.xpubVerbose, true)
    }

    /// Bytes of a subscription: more than any topic has.
    private static let longestSubscription: Int64 = 256

    /// Serves at `endpoint`.
    /// - Returns: where it serves.
    func serve(_ endpoint: Endpoint) throws -> String { try socket.attach(endpoint, ipcMode: ipcMode) }

    /// Begins to answer subscriptions and to send heartbeats.
    func start(on loop: SocketLoop) {
        // The loop outlives its handlers, and this actor is on the loop: the handlers run in its isolation.
        loop.add(socket) { [self] in assumeIsolated { $0.welcomeSubscribers() } }
        loop.atEndOfTurn { [self] in assumeIsolated { $0.flush() } }
        beat(on: loop)
    }

    /// Closes the socket; unsent events are kept for as long as the linger says.
    func close(on loop: SocketLoop) {
        isClosed = true
        loop.remove(socket)
        socket.close()
        journal.close()
    }

    // MARK: Events and records

    /// The number of this start of the worker.
    var epoch: UInt64 { journal.epoch }
    /// The number of the newest event.
    var lastSequence: UInt64 { lastNumbered }
    /// The number of the newest event that is kept.
    var lastKept: UInt64 { journal.lastSequence }
    /// Why nothing can be kept, and so nothing is told, now; nil where it can.
    var trouble: String? {
        if let trouble = journal.trouble { return trouble }
        guard !unconfirmed.isEmpty, .now - waitingSince > EventPublisher.patience else { return nil }
        return "the disk does not answer"
    }

    /// Numbers an event; it is kept and published at the end of the loop's turn.
    func record(_ event: consuming Event) {
        lastNumbered += 1
        event.host = host
        event.epoch = journal.epoch
        event.seq = lastNumbered
        writer.clear()
        event.encode(to: writer)
        pending.events.append(
            RecordedEvent(
                seq: event.seq, kind: event.kind, id: event.id, second: event.time.seconds, body: writer.bytes))
    }

    /// The record of a container has changed; as it is at the end of the loop's turn it is kept.
    func save(_ queue: ContainerQueue) { changed[queue.id] = .some(queue) }

    /// A container is no more.
    func forget(_ id: ContainerID) { changed[id] = .some(nil) }

    /// Keeps what became of a request that runs once.
    func save(_ change: RequestChange) { pending.requests.append(change) }

    /// Whether everything so far has been kept and published.
    var isSettled: Bool { !hasNews && unconfirmed.isEmpty }

    /// Whether there is something that the journal has not been given yet.
    private var hasNews: Bool { !pending.isEmpty || !changed.isEmpty }

    /// Runs `work` after everything so far has been kept and published: at once where it has been.
    /// - Parameter isQuestion: it is the answer to a question, and goes out where the journal is in trouble too.
    func whenPublished(isQuestion: Bool = false, _ work: @escaping @Sendable () -> Void) {
        if isSettled || isQuestion && trouble != nil {
            work()
        } else if hasNews {
            followers.append(Follower(work: work, isQuestion: isQuestion))
        } else {
            unconfirmed[unconfirmed.count - 1].append(Follower(work: work, isQuestion: isQuestion))
        }
    }

    /// Lets the answers to questions go out that wait for a journal in trouble.
    private func answerQuestions() {
        guard trouble != nil else { return }
        var questions: [Follower] = []
        for index in unconfirmed.indices {
            questions += unconfirmed[index].filter(\.isQuestion)
            unconfirmed[index].removeAll(where: \.isQuestion)
        }
        questions += followers.filter(\.isQuestion)
        followers.removeAll(where: \.isQuestion)
        for question in questions { question.work() }
    }

    /// Finds events that are kept; nil where they cannot be read.
    func read(_ query: EventQuery, found: @escaping @Sendable (FoundEvents?) -> Void) {
        journal.read(query, found: found)
    }

    /// Finds the answer to a request that is kept.
    func answer(to request: RequestKey, found: @escaping @Sendable (StoredAnswer?) -> Void) {
        journal.answer(to: request, found: found)
    }

    /// Hands what has gathered to the journal, and publishes it when the journal has it.
    private func flush() {
        guard hasNews else { return }
        for (id, queue) in changed { pending.containers[id] = .some(queue.map(encoded)) }
        changed.removeAll(keepingCapacity: true)
        let entry = pending
        pending = JournalEntry()
        if unconfirmed.isEmpty { waitingSince = .now }
        unconfirmed.append(followers)
        followers = []
        journal.append(entry) { [self] in assumeIsolated { $0.kept(entry.events) } }
    }

    private func encoded(_ queue: ContainerQueue) -> [UInt8] {
        writer.clear()
        // Safe: the queue runs on this same loop, and the writer does not stay with it.
        nonisolated(unsafe) let writer = writer
        queue.assumeIsolated { $0.saved.encode(to: writer) }
        return writer.bytes
    }

    /// The journal has the oldest entry that it had not confirmed.
    private func kept(_ events: [RecordedEvent]) {
        crashPlan?.reach(.publish)
        publish(events)
        crashPlan?.reach(.reply)
        waitingSince = .now
        for follower in unconfirmed.popFirst() ?? [] { follower.work() }
    }

    private func publish(_ events: [RecordedEvent]) {
        guard !events.isEmpty else { return }
        lastSent = .now
        for event in events { publish(event) }
    }

    private func publish(_ event: RecordedEvent) {
        topic.removeAll(keepingCapacity: true)
        topic.append(contentsOf: event.kind.rawValue.utf8)
        topic.append(UInt8(ascii: "/"))
        if let id = event.id { topic.append(contentsOf: id.rawValue.utf8) }
        do throws(ZeroMQError) {
            // PUB never blocks: where a subscriber is too slow, it alone misses the event and can fetch it by `events`.
            try socket.send(topic, more: true)
            try socket.send(event.body)
        } catch {
            logger.error("an event could not be published", metadata: ["seq": "\(event.seq)", "error": "\(error)"])
        }
    }

    // MARK: Subscriptions and heartbeats

    private func welcomeSubscribers() -> SocketLoop.Turn {
        var turn = SocketLoop.Turn.idle
        for _ in 0..<64 {
            guard (try? socket.receive(into: &message)) == true else { break }
            turn = .busy
            // The first byte says what it is: 1 is a subscription, 0 its end; anything else is no business of a publisher.
            let prefix = message.withBytes { bytes -> [UInt8]? in
                guard bytes.first == 1 else { return nil }
                return Array(bytes.dropFirst())
            }
            if let prefix { welcome(prefix) }
        }
        return turn
    }

    private func welcome(_ prefix: [UInt8]) {
        writer.clear()
        writer.map(5)
        writeStanding(type: "welcome")
        writer.string("protocol")
        writer.unsigned(1)
        send(prefix)
    }

    /// Once a second while nothing else is sent: collectors see that the stream is alive, and libzmq finds connections
    /// that are dead.
    private func beat(on loop: SocketLoop) {
        loop.schedule(after: .seconds(1) - (.now - lastSent)) { [self] in
            assumeIsolated { publisher in
                guard !publisher.isClosed else { return }
                if .now - publisher.lastSent >= .seconds(1) { publisher.heartbeat() }
                publisher.answerQuestions()
                publisher.beat(on: loop)
            }
        }
    }

    private func heartbeat() {
        writer.clear()
        writer.map(4)
        writeStanding(type: "heartbeat")
        lastSent = .now
        send(Array("heartbeat/".utf8))
    }

    private func writeStanding(type: StaticString) {
        writer.string("type")
        writer.string(type)
        writer.string("host")
        writer.string(host)
        writer.string("epoch")
        writer.unsigned(journal.epoch)
        writer.string("last_seq")
        writer.unsigned(journal.lastSequence)
    }

    private func send(_ topic: [UInt8]) {
        do throws(ZeroMQError) {
            try socket.send(topic, more: true)
            try socket.send(writer.bytes)
        } catch {
            logger.error("a message could not be published", metadata: ["error": "\(error)"])
        }
    }
}
