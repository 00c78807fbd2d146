import Logging
import MessagePack
import ZeroMQ

/// Owns the event socket: publishes what the journal has, greets subscribers and sends heartbeats. On the loop only.
final class EventPublisher: EventSink {
    private let host: String
    private let epoch: UInt64
    private let ipcMode: FileMode
    private let socket: Socket
    private let logger: Logger
    private let writer = Writer()
    private var message = Message()
    private var topic: [UInt8] = []
    /// The number of the newest event that was published, or kept before this start.
    private var lastPublished: UInt64
    private var lastSent = ContinuousClock.now
    private var isClosed = false
    private var welcomes = Welcomes(at: .now)
    private var subscriptions = SubscriptionCounts(at: .now)

    /// Bytes of a subscription: more than any topic has.
    private static let longestSubscription: Int64 = 256

    /// Makes the event socket.
    /// - Parameter journal: gives the epoch and the number of the newest event at this start.
    init(configuration: WorkerConfiguration, journal: any Journal, in context: Context, logger: Logger) throws {
        host = configuration.host
        ipcMode = configuration.ipcMode
        epoch = journal.epoch
        lastPublished = journal.lastSequence
        self.logger = logger
        socket = try Socket(.xpub, in: context)
        try socket.configure(configuration)
        // What comes in are subscriptions, and libzmq keeps each of them in a tree of some 30 bytes per byte: none needs
        // to be longer than the longest topic.
        try socket.set(.maximumMessageSize, EventPublisher.longestSubscription)
        try socket.set(.xpubVerbose, true)
    }

    /// Serves at `endpoint`.
    /// - Returns: where it serves.
    func serve(_ endpoint: Endpoint) throws -> String { try socket.attach(endpoint, ipcMode: ipcMode) }

    /// Begins to answer subscriptions and to send heartbeats.
    func start(on loop: SocketLoop) {
        loop.add(socket) { self.readSubscriptions() }
        beat(on: loop)
    }

    /// Closes the socket; unsent events are kept for as long as the linger says.
    func close(on loop: SocketLoop) {
        isClosed = true
        loop.remove(socket)
        socket.close()
    }

    // MARK: Events

    func publish(_ events: [RecordedEvent]) {
        lastSent = .now
        for event in events { publish(event) }
    }

    private func publish(_ event: RecordedEvent) {
        topic.removeAll(keepingCapacity: true)
        topic.append(contentsOf: event.kind.rawValue.utf8)
        topic.append(UInt8(ascii: "/"))
        if let id = event.id { topic.append(contentsOf: id.rawValue.utf8) }
        lastPublished = event.seq
        do throws(ZeroMQError) {
            // PUB never blocks: where a subscriber is too slow, it alone misses the event and can fetch it by `events`.
            try socket.send(topic, more: true)
            try socket.send(event.body)
        } catch {
            logger.error("an event could not be published", metadata: ["seq": "\(event.seq)", "error": "\(error)"])
        }
    }

    // MARK: Subscriptions and heartbeats

    /// Subscriptions that are read in one turn of the loop, and how long it may last.
    private static let turnSize = 1024
    private static let turnDuration = Duration.milliseconds(1)

    private func readSubscriptions() -> SocketLoop.Turn {
        let now = ContinuousClock.now
        for count in 0..<EventPublisher.turnSize {
            guard (try? socket.receive(into: &message)) == true else {
                if count > 0 { sendWelcomes() }
                return count > 0 ? .busy : .idle
            }
            readSubscription(at: now)
            if count % 64 == 63, .now - now > EventPublisher.turnDuration { break }
        }
        sendWelcomes()
        return .busy
    }

    private func readSubscription(at now: ContinuousClock.Instant) {
        if let connection = message.connection, subscriptions.add(connection, at: now) {
            Connection.cut(connection, of: socket)
            logger.warning("a connection was cut: its peer subscribes without end")
        }
        // The first byte says what it is: 1 is a subscription, 0 its end; a publisher ignores anything else.
        let prefix = message.withBytes { bytes -> [UInt8]? in
            guard bytes.first == 1 else { return nil }
            return Array(bytes.dropFirst())
        }
        if let prefix { welcomes.add(prefix) }
    }

    private func sendWelcomes() {
        for prefix in welcomes.take(at: .now) { welcome(prefix) }
    }

    private func welcome(_ prefix: [UInt8]) {
        writer.clear()
        writer.map(5)
        writeStanding(type: "welcome")
        writer.string("protocol")
        writer.unsigned(1)
        send(prefix)
    }

    /// Once a second while nothing else is sent, so that collectors see that the stream is alive.
    private func beat(on loop: SocketLoop) {
        loop.schedule(after: .seconds(1) - (.now - lastSent)) { [self] in
            guard !isClosed else { return }
            // Subscriptions may have waited for their welcome since the last second.
            sendWelcomes()
            if .now - lastSent >= .seconds(1) { heartbeat() }
            beat(on: loop)
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
        writer.unsigned(epoch)
        writer.string("last_seq")
        writer.unsigned(lastPublished)
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
