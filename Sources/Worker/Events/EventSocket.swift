import Logging
import ZeroMQ

/// The event socket of one class of peers: sends what is published, and reads subscriptions. On the loop of the event
/// sockets only.
final class EventSocket {
    /// Where it serves.
    let served: ServedEndpoints
    private let socket: Socket
    private let loop: SocketLoop
    private var message = Message()
    private var welcomes = Welcomes(at: .now)

    /// Bytes of a frame: a handshake by CURVE has some 300, and subscriptions have fewer.
    private static let longestFrame: Int64 = 1024
    /// Subscriptions that are read in one turn of the loop, and how long it may last.
    private static let turnSize = 1024
    private static let turnDuration = Duration.milliseconds(1)

    /// Makes the socket.
    /// - Parameter endpoints: where it is to serve; all of them of one class.
    init(configuration: WorkerConfiguration, _ endpoints: [Endpoint], on loop: SocketLoop, logger: Logger) throws {
        self.loop = loop
        socket = try Socket(.xpub, in: loop.context)
        try socket.configure(configuration)
        // What comes in are subscriptions, and libzmq keeps each of them in a tree of some 30 bytes per byte: none
        // needs to be longer than the longest topic.
        try socket.set(.maximumMessageSize, EventSocket.longestFrame)
        // Never ZMQ_XPUB_MANUAL: libzmq 4.3.4 then gives subscriptions of a peer that is gone to the next one
        // (libzmq#4137).
        try socket.set(.xpubVerbose, true)
        served = ServedEndpoints(
            socket, endpoints, .events, ipcMode: configuration.ipcMode, on: loop, logger: logger)
    }

    /// Its connections, which belong to `owner` from here on.
    func connections(
        _ trust: TrustClass, _ domains: Set<AccessDomain>, limit: Int, of owner: SocketLoop, logger: Logger
    ) throws(ZeroMQError) -> PeerConnections {
        try PeerConnections(of: socket, trust, domains, limit: limit, on: owner, logger: logger)
    }

    /// Begins to read subscriptions.
    /// - Parameters:
    ///   - begins: runs before the socket is read: libzmq then takes in all that peers have sent, however long it takes.
    ///   - ends: runs when it was read, with whether there is more.
    ///   - reads: gets what connections have subscribed to.
    ///   - welcome: sends a welcome with a topic.
    func start(
        begins: @escaping () -> Void, ends: @escaping (SocketLoop.Turn) -> Void,
        reads: @escaping ([SubscriptionReport]) -> Void,
        welcome: @escaping (EventSocket, [UInt8]) -> Void
    ) throws(ZeroMQError) {
        try loop.addQuiet(socket) { [unowned self] in
            begins()
            let turn = readSubscriptions(reads)
            sendWelcomes(welcome)
            ends(turn)
            return turn
        }
    }

    /// Closes the socket; unsent events are kept for the linger time.
    func close() {
        loop.remove(socket)
        socket.close()
    }

    /// Sends to all subscribers. PUB never blocks: a subscriber that is too slow misses the event and can fetch it with
    /// `events`; the others are not affected.
    func send(_ topic: [UInt8], _ body: UnsafeRawBufferPointer) throws(ZeroMQError) {
        try socket.send(topic, more: true)
        try socket.send(body)
    }

    /// What was sent in this turn may have taken in subscriptions: they are read too.
    func hasSent() { loop.look(at: socket) }

    // MARK: Subscriptions

    private func readSubscriptions(_ reads: ([SubscriptionReport]) -> Void) -> SocketLoop.Turn {
        let end = ContinuousClock.now + EventSocket.turnDuration
        var reports: [UInt64: SubscriptionReport] = [:]
        defer { if !reports.isEmpty { reads(Array(reports.values)) } }
        for count in 0..<EventSocket.turnSize {
            guard (try? socket.receive(into: &message)) == true else { return count > 0 ? .busy : .idle }
            readSubscription(&reports)
            if count % 64 == 63, .now > end { break }
        }
        return .busy
    }

    private func readSubscription(_ reports: inout [UInt64: SubscriptionReport]) {
        // Of a peer that goes, libzmq makes up the ends of its subscriptions: they have no connection.
        guard let connection = message.connection else { return }
        let handshake = message.withProperty(Authenticator.handshakeProperty) {
            $0.flatMap { UInt64(String(cString: $0)) }
        }
        guard let handshake else { return }
        var report =
            reports[handshake]
            ?? SubscriptionReport(
                connection: connection, handshake: handshake,
                user: message.withUserID { $0.map { String(cString: $0) } })
        // The first byte is 1 for a subscription and 0 for its end; a publisher ignores anything else.
        let (kind, prefix) = message.withBytes { bytes in
            (bytes.first, bytes.first == 1 && bytes.count <= Subscriptions.longest ? Array(bytes.dropFirst()) : [])
        }
        let length = message.count - 1
        switch kind {
        case 1:
            report.added += 1
            report.bytes += length
            if length > Subscriptions.longest {
                report.isTooLong = true
            } else {
                welcomes.add(prefix, of: handshake)
            }
        case 0:
            report.ended += 1
            report.bytes -= length
        default: break
        }
        reports[handshake] = report
    }

    /// Sends the welcomes that are due.
    func sendWelcomes(_ welcome: (EventSocket, [UInt8]) -> Void) {
        for prefix in welcomes.take(at: .now) { welcome(self, prefix) }
    }
}
