import ContainerProtocol
import Logging
import MessagePack
import ZeroMQ

/// Publishes what the journal has on the event sockets, greets subscribers and sends heartbeats. On the loop only.
final class EventPublisher: EventSink {
    private let host: String
    private let epoch: UInt64
    private let endpoints: [Endpoint]
    private let sockets: [EventSocket]
    private let logger: Logger
    private let writer = Writer()
    private var topic: [UInt8] = []
    /// The number of the newest event that was published, or kept before this start.
    private var lastPublished: UInt64
    private var lastSent = ContinuousClock.now
    private var isClosed = false
    private var counts: [Event.Kind: UInt64] = [:]

    /// Makes the event sockets: one for each class of trust that has an endpoint.
    /// - Parameter journal: gives the epoch and the number of the newest event at this start.
    init(
        configuration: WorkerConfiguration, access: Access, journal: any Journal, on loop: SocketLoop, logger: Logger
    ) throws {
        host = configuration.host
        epoch = journal.epoch
        lastPublished = journal.lastSequence
        self.logger = logger
        let endpoints = configuration.eventEndpoints.map { Endpoint($0) }
        self.endpoints = endpoints
        sockets = try TrustClass.allCases.compactMap { trust in
            let own = endpoints.filter { $0.trust == trust }
            guard !own.isEmpty else { return nil }
            return try EventSocket(
                configuration: configuration, trust, own, access: access, on: loop, logger: logger)
        }
    }

    /// Serves at every endpoint.
    /// - Returns: where they serve, in the order of the settings.
    func serve(_ serverKey: CurveKeyPair?, _ authenticator: Authenticator) throws -> [String] {
        for socket in sockets { try socket.serve(serverKey, authenticator) }
        return endpoints.inOrder(sockets.map { ($0.trust, $0.servedEndpoints) })
    }

    /// Begins to answer subscriptions and to send heartbeats.
    func start(on loop: SocketLoop) throws(ZeroMQError) {
        for socket in sockets { try socket.start(on: loop) { self.welcome($0, $1) } }
        beat(on: loop)
    }

    /// Closes the sockets; unsent events are kept for the linger time.
    func close(on loop: SocketLoop) {
        isClosed = true
        for socket in sockets { socket.close(on: loop) }
    }

    /// Serves remote peers under another key from now on. All of them are cut, and come back.
    func change(_ serverKey: CurveKeyPair) { for socket in sockets { socket.change(serverKey) } }

    /// Ends the connections of principals.
    /// - Returns: how many there were.
    func cut(_ principals: Set<String>) -> Int { sockets.reduce(0) { $0 + $1.connections.cut(principals) } }

    /// Ends remote connections that have subscribed to nothing for long.
    func cutSilent() { for socket in sockets where socket.trust == .remote { socket.connections.cutSilent() } }

    /// How many connections of a principal there are.
    func connections(of principal: String) -> Int { sockets.reduce(0) { $0 + $1.connections.count(of: principal) } }

    /// How many connections there are.
    var connectionCount: Int { sockets.reduce(0) { $0 + $1.connections.count } }

    /// What is counted of events.
    var figures: EventFigures {
        EventFigures(counts: counts, subscribers: sockets.reduce(0) { $0 + $1.connections.subscribers })
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
        counts[event.kind, default: 0] += 1
        event.body.withUnsafeBytes { body in
            for socket in sockets {
                do throws(ZeroMQError) {
                    try socket.send(topic, body)
                } catch {
                    logger.error(
                        "an event could not be published", metadata: ["seq": "\(event.seq)", "error": "\(error)"])
                }
            }
        }
    }

    // MARK: Welcomes and heartbeats

    private func welcome(_ socket: EventSocket, _ prefix: [UInt8]) {
        writer.clear()
        writer.map(5)
        writeStanding(type: "welcome")
        writer.string("protocol")
        writer.unsigned(1)
        send(prefix, to: socket)
    }

    /// Once a second while nothing else is sent, so that collectors see that the stream is alive.
    private func beat(on loop: SocketLoop) {
        loop.schedule(after: .seconds(1) - (.now - lastSent)) { [self] in
            guard !isClosed else { return }
            // Subscriptions may have waited for their welcome since the last second.
            for socket in sockets { socket.sendWelcomes { welcome($0, $1) } }
            if .now - lastSent >= .seconds(1) { heartbeat() }
            beat(on: loop)
        }
    }

    private func heartbeat() {
        writer.clear()
        writer.map(4)
        writeStanding(type: "heartbeat")
        lastSent = .now
        for socket in sockets { send(Array("heartbeat/".utf8), to: socket) }
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

    private func send(_ topic: [UInt8], to socket: EventSocket) {
        let result: Result<Void, ZeroMQError> = writer.withBytes { body in
            Result { () throws(ZeroMQError) in try socket.send(topic, body) }
        }
        if case .failure(let error) = result {
            logger.error("a message could not be published", metadata: ["error": "\(error)"])
        }
    }
}
