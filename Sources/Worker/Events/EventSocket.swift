import Logging
import ZeroMQ

/// The event socket of one class of peers: sends what is published, and reads subscriptions. On the loop only.
final class EventSocket {
    let trust: TrustClass
    let connections: PeerConnections
    private let socket: Socket
    private let access: Access
    private let served: ServedEndpoints
    private let logger: Logger
    private var message = Message()
    private var welcomes = Welcomes(at: .now)
    private var counts = SubscriptionCounts(at: .now)
    private var cutCount: UInt64 = 0

    /// Bytes of a subscription: more than any topic has.
    private static let longestSubscription = 256
    /// Subscriptions of one connection.
    private static let mostSubscriptions = 1024
    /// Bytes of a frame: a handshake by CURVE has some 300, and subscriptions have fewer.
    private static let longestFrame: Int64 = 1024
    /// Subscriptions that are read in one turn of the loop, and how long it may last.
    private static let turnSize = 1024
    private static let turnDuration = Duration.milliseconds(1)

    /// Makes the socket.
    /// - Parameter endpoints: where it is to serve; all of them of the class `trust`.
    init(
        configuration: WorkerConfiguration, _ trust: TrustClass, _ endpoints: [Endpoint], access: Access,
        on loop: SocketLoop, logger: Logger
    ) throws {
        self.trust = trust
        self.access = access
        self.logger = logger
        socket = try Socket(.xpub, in: loop.context)
        try socket.configure(configuration)
        // What comes in are subscriptions, and libzmq keeps each of them in a tree of some 30 bytes per byte: none
        // needs to be longer than the longest topic.
        try socket.set(.maximumMessageSize, EventSocket.longestFrame)
        // Never ZMQ_XPUB_MANUAL: libzmq 4.3.4 then gives subscriptions of a peer that is gone to the next one
        // (libzmq#4137).
        try socket.set(.xpubVerbose, true)
        connections = try PeerConnections(
            of: socket, limit: configuration.access.connections, on: loop, logger: logger)
        served = ServedEndpoints(
            socket, endpoints, .events, ipcMode: configuration.ipcMode, on: loop, logger: logger)
    }

    /// Serves at its endpoints.
    func serve(_ serverKey: CurveKeyPair?, _ authenticator: Authenticator) throws {
        served.register(connections, authenticator)
        try served.attach(serverKey)
    }

    /// Where it serves, with the real ports.
    var servedEndpoints: [String] { served.addresses }

    /// Puts the files of endpoints back that are gone; the answer is what could not be put right.
    func mendSockets() -> String? { served.mend() }

    /// Serves remote peers under another key.
    func change(_ serverKey: CurveKeyPair) { served.change(serverKey) }

    /// Begins to read subscriptions.
    /// - Parameter welcome: sends a welcome with a topic.
    func start(
        on loop: SocketLoop, welcome: @escaping (EventSocket, [UInt8]) -> Void
    ) throws(ZeroMQError) {
        try connections.start()
        loop.add(socket) { self.readSubscriptions(welcome) }
    }

    /// Closes the socket; unsent events are kept for the linger time.
    func close(on loop: SocketLoop) {
        connections.close()
        loop.remove(socket)
        socket.close()
    }

    /// Sends to all subscribers. PUB never blocks: a subscriber that is too slow misses the event and can fetch it with
    /// `events`; the others are not affected.
    func send(_ topic: [UInt8], _ body: UnsafeRawBufferPointer) throws(ZeroMQError) {
        try socket.send(topic, more: true)
        try socket.send(body)
    }

    // MARK: Subscriptions

    private func readSubscriptions(_ welcome: (EventSocket, [UInt8]) -> Void) -> SocketLoop.Turn {
        let now = ContinuousClock.now
        for count in 0..<EventSocket.turnSize {
            guard (try? socket.receive(into: &message)) == true else {
                if count > 0 { sendWelcomes(welcome) }
                return count > 0 ? .busy : .idle
            }
            readSubscription(at: now)
            if count % 64 == 63, .now - now > EventSocket.turnDuration { break }
        }
        sendWelcomes(welcome)
        return .busy
    }

    private func readSubscription(at now: ContinuousClock.Instant) {
        // The first byte is 1 for a subscription and 0 for its end; a publisher ignores anything else.
        let (kind, prefix) = message.withBytes { bytes in
            (bytes.first, bytes.first == 1 ? Array(bytes.dropFirst()) : [])
        }
        // Of a peer that goes, libzmq makes up the ends of its subscriptions: they have no connection.
        if let connection = message.connection {
            let principal = message.withUserID { access.principal($0) }
            guard let principal, principal.mayFollowEvents else {
                connections.cut(connection)
                return
            }
            connections.note(connection, of: principal)
            let change = kind == 1 ? 1 : kind == 0 ? -1 : 0
            if connections.subscribed(connection, change) > EventSocket.mostSubscriptions
                || counts.add(connection, at: now) || prefix.count > EventSocket.longestSubscription
            {
                return cut(connection)
            }
        }
        if kind == 1 { welcomes.add(prefix) }
    }

    private func cut(_ connection: Int32) {
        guard connections.cut(connection) else { return }
        cutCount += 1
        // Powers of two: a peer that comes again and again does not fill the log.
        guard cutCount & (cutCount - 1) == 0 else { return }
        logger.warning(
            "a connection was cut: its peer subscribes without end, or to more than a topic can have",
            metadata: ["cut_so_far": "\(cutCount)"])
    }

    /// Sends the welcomes that are due.
    func sendWelcomes(_ welcome: (EventSocket, [UInt8]) -> Void) {
        for prefix in welcomes.take(at: .now) { welcome(self, prefix) }
    }
}
