import ContainerModel
import Logging
import MessagePack
import ZeroMQ

/// Sends what is published on the event sockets, greets subscribers and sends heartbeats. On the loop of the event
/// sockets only.
final class EventOutlet {
    private let host: String
    private let epoch: UInt64
    private let sockets: [EventSocket]
    private let loop: SocketLoop
    private let logger: Logger
    private let writer = Writer()
    private var topic: [UInt8] = []
    /// The number of the newest event that was published, or kept before this start.
    private var lastPublished: UInt64
    private var lastSent = ContinuousClock.now
    private var isClosed = false
    /// Turns in a row in which a socket was read and not to its end, by socket.
    private var fullTurns: [Int]
    /// So many of them in a row are a backlog.
    private static let backlog = 8

    init(
        host: String, epoch: UInt64, lastSequence: UInt64, _ sockets: [EventSocket], on loop: SocketLoop,
        logger: Logger
    ) {
        self.host = host
        self.epoch = epoch
        lastPublished = lastSequence
        self.sockets = sockets
        fullTurns = sockets.map { _ in 0 }
        self.loop = loop
        self.logger = logger
    }

    /// Begins to answer subscriptions and to send heartbeats.
    /// - Parameters:
    ///   - begins: runs before a socket is read.
    ///   - backlogged: gets whether there is always more to read.
    ///   - reads: gets what connections of the socket with a number have subscribed to.
    func start(
        begins: @escaping () -> Void, backlogged: @escaping (Bool) -> Void,
        reads: @escaping (Int, [SubscriptionReport]) -> Void
    ) throws(ZeroMQError) {
        for (index, socket) in sockets.enumerated() {
            try socket.start(
                begins: begins, ends: { [unowned self] in ended(index, $0, backlogged) }, reads: { reads(index, $0) },
                welcome: { [unowned self] in welcome($0, $1) })
        }
        beat()
    }

    /// Closes the sockets; unsent events are kept for the linger time.
    func close() {
        isClosed = true
        for socket in sockets { socket.close() }
    }

    private func ended(_ index: Int, _ turn: SocketLoop.Turn, _ backlogged: (Bool) -> Void) {
        let wasBacklogged = isBacklogged
        fullTurns[index] = turn == .busy ? fullTurns[index] + 1 : 0
        if isBacklogged != wasBacklogged { backlogged(isBacklogged) }
    }

    private var isBacklogged: Bool { fullTurns.contains { $0 >= EventOutlet.backlog } }

    // MARK: Events

    func publish(_ events: [RecordedEvent]) {
        guard !isClosed else { return }
        lastSent = .now
        for event in events { publish(event) }
        for socket in sockets { socket.hasSent() }
    }

    private func publish(_ event: RecordedEvent) {
        topic.removeAll(keepingCapacity: true)
        topic.append(contentsOf: event.kind.rawValue.utf8)
        topic.append(UInt8(ascii: "/"))
        if let id = event.id { topic.append(contentsOf: id.rawValue.utf8) }
        lastPublished = event.seq
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
    private func beat() {
        loop.schedule(after: .seconds(1) - (.now - lastSent)) { [weak self] in
            guard let self, !isClosed else { return }
            // Subscriptions may have waited for their welcome since the last second.
            for socket in sockets { socket.sendWelcomes { welcome($0, $1) } }
            if .now - lastSent >= .seconds(1) { heartbeat() }
            beat()
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
        socket.hasSent()
        if case .failure(let error) = result {
            logger.error("a message could not be published", metadata: ["error": "\(error)"])
        }
    }
}
