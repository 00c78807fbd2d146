import ContainerProtocol
import Logging
import MessagePack
import ZeroMQ

/// Owns the event socket and the log: numbers every event, keeps it, and only then publishes it.
///
/// Runs on the socket loop. What is to follow an event, such as the reply to the request that caused it, is given to
/// ``whenPublished(_:)``.
actor EventPublisher {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let host: String
    private let log: any EventLog
    private let socket: Socket
    private let logger: Logger
    private let writer = Writer()
    private var message = Message()
    private var topic: [UInt8] = []

    /// Numbered events that the log has not been given yet, and what follows them.
    private var pending: [RecordedEvent] = []
    private var followers: [@Sendable () -> Void] = []
    /// Appends that the log has not confirmed.
    private var unconfirmed = 0
    /// The number of the newest event, confirmed or not.
    private var lastNumbered: UInt64
    private var lastSent = ContinuousClock.now

    /// Binds the event socket. On the loop.
    init(configuration: WorkerConfiguration, log: any EventLog, loop: SocketLoop, logger: Logger) throws {
        unownedExecutor = loop.asUnownedSerialExecutor()
        host = configuration.host
        self.log = log
        self.logger = logger
        lastNumbered = log.lastSequence
        socket = try Socket(.xpub, in: loop.context)
        try socket.configure(configuration)
        try socket.set(.heartbeatInterval, configuration.times.heartbeatInterval.milliseconds)
        try socket.set(.heartbeatTimeout, configuration.times.heartbeatTimeout.milliseconds)
        // What comes in are subscriptions, and libzmq keeps each of them in a tree of some 30 bytes per byte: none needs
        // to be longer than the longest topic.
        try socket.set(.maximumMessageSize, EventPublisher.longestSubscription)
        try socket.set(.xpubVerbose, true)
    }

    /// Bytes of a subscription: more than any topic has.
    private static let longestSubscription: Int64 = 256

    /// Serves at `endpoint`.
    /// - Returns: where it serves.
    func serve(_ endpoint: Endpoint) throws -> String { try socket.attach(endpoint) }

    /// Begins to answer subscriptions and to send heartbeats.
    func start(on loop: SocketLoop) {
        // The loop outlives its handlers, and this actor is on the loop: the handlers run in its isolation.
        loop.add(socket) { [self] in assumeIsolated { $0.welcomeSubscribers() } }
        loop.atEndOfTurn { [self] in assumeIsolated { $0.flush() } }
        beat(on: loop)
    }

    /// Closes the socket; unsent events are kept for as long as the linger says.
    func close(on loop: SocketLoop) {
        flush()
        loop.remove(socket)
        socket.close()
    }

    // MARK: Events

    /// The number of this start of the worker.
    var epoch: UInt64 { log.epoch }
    /// The number of the newest event.
    var lastSequence: UInt64 { lastNumbered }
    /// The number of the oldest event that can be read.
    var oldestSequence: UInt64 { log.oldestSequence }

    /// Numbers an event; it is kept and published at the end of the loop's turn.
    func record(_ event: consuming Event) {
        lastNumbered += 1
        event.host = host
        event.epoch = log.epoch
        event.seq = lastNumbered
        writer.clear()
        event.encode(to: writer)
        pending.append(RecordedEvent(seq: event.seq, kind: event.kind, id: event.id, body: writer.bytes))
    }

    /// Whether every event so far has been published.
    var isSettled: Bool { pending.isEmpty && unconfirmed == 0 }

    /// Runs `work` after all events so far have been published: at once where they have been.
    func whenPublished(_ work: @escaping @Sendable () -> Void) {
        if isSettled {
            work()
        } else {
            followers.append(work)
        }
    }

    /// Events that are kept, as `events` answers them.
    func read(_ query: Command.Events, bytes: Int) -> [RecordedEvent] {
        log.read(after: query.after, limit: query.limit, bytes: bytes) { event in
            (query.types?.contains(event.kind.rawValue) ?? true)
                && (query.ids.map { ids in event.id.map(ids.contains) ?? false } ?? true)
        }
    }

    /// Hands what has gathered to the log, and publishes it when the log has it.
    func flush() {
        guard !pending.isEmpty || !followers.isEmpty else { return }
        let events = pending
        let next = followers
        pending.removeAll(keepingCapacity: true)
        followers.removeAll(keepingCapacity: true)
        unconfirmed += 1
        log.append(events) { [self] in
            assumeIsolated { publisher in
                publisher.unconfirmed -= 1
                if !events.isEmpty { publisher.lastSent = .now }
                for event in events { publisher.publish(event) }
            }
            for work in next { work() }
        }
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
                if .now - publisher.lastSent >= .seconds(1) { publisher.heartbeat() }
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
        writer.unsigned(log.epoch)
        writer.string("last_seq")
        writer.unsigned(log.lastSequence)
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
