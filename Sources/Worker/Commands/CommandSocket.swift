import ContainerModel
import ContainerProtocol
import Logging
import MessagePack
import ZeroMQ

/// Owns the command socket of one class of peers: reads frames, identifies their sender, decodes requests in libzmq's
/// own memory, and sends replies. On the loop only.
///
/// It never stops reading, because a peer could make libzmq abort if it did. Messages of a peer that sends faster than
/// it is served are read ahead, up to a hard bound (``ReadAhead``). A peer beyond that bound is disconnected, and so is
/// one that does not read its replies (``HeldReplies``).
final class CommandSocket: ReplySender {
    let trust: TrustClass
    let socket: Socket
    let connections: PeerConnections
    let access: Access
    let loop: SocketLoop
    let served: ServedEndpoints
    let logger: Logger
    private let reader = Reader()
    private let writer = Writer()
    let readAhead = ReadAhead()
    var pace = ReadAheadPace()
    /// Connections whose messages are discarded: what is left of theirs in libzmq.
    var cutPeers = CutPeers()
    /// Replies that a peer's full queue has not taken yet.
    var held = HeldReplies()
    var isRetrying = false
    var counters = Counters()
    private unowned let receiver: any RequestReceiver

    /// What has gone through the socket.
    struct Counters {
        var requests: UInt64 = 0
        /// Of all, those that are no request.
        var malformed: UInt64 = 0
        /// Of those, the ones whose frames are none.
        var frames: UInt64 = 0
        /// Requests that their sender may not make.
        var role: UInt64 = 0
        /// Replies that found no reader.
        var undeliverable: UInt64 = 0
        /// Connections that were cut.
        var cut: UInt64 = 0

        static func + (left: Counters, right: Counters) -> Counters {
            Counters(
                requests: left.requests + right.requests, malformed: left.malformed + right.malformed,
                frames: left.frames + right.frames, role: left.role + right.role,
                undeliverable: left.undeliverable + right.undeliverable, cut: left.cut + right.cut)
        }
    }

    /// Makes the socket, whose requests `receiver` gets.
    /// - Parameter endpoints: where it is to serve; all of them of the class `trust`.
    init(
        configuration: WorkerConfiguration, _ trust: TrustClass, _ endpoints: [Endpoint], access: Access,
        on loop: SocketLoop, logger: Logger, receiver: any RequestReceiver
    ) throws {
        self.trust = trust
        self.access = access
        self.loop = loop
        self.logger = logger
        self.receiver = receiver
        socket = try Socket(.router, in: loop.context)
        try socket.configure(configuration)
        // Replies are larger than events, and those that are too many are held here: libzmq's share is smaller.
        try socket.set(.sendHighWaterMark, max(1, configuration.limits.highWaterMark / 10))
        try socket.set(.maximumMessageSize, Int64(configuration.limits.messageBytes))
        try socket.set(.routerMandatory, true)
        // Where an id is in use already, its new owner would otherwise be neither read nor written, and fill the
        // memory.
        try socket.set(.routerHandover, true)
        // A broker that this worker connects to knows it by its host's name.
        if trust == .dialled, !configuration.host.isEmpty, configuration.host.utf8.count <= 255 {
            try socket.set(.routingID, configuration.host)
        }
        connections = try PeerConnections(
            of: socket, trust, endpoints.domains(.commands), limit: configuration.access.connections, on: loop,
            logger: logger)
        served = ServedEndpoints(
            socket, endpoints, .commands, ipcMode: configuration.ipcMode, on: loop, logger: logger)
    }

    /// Begins to take requests.
    func start() throws(ZeroMQError) {
        try connections.start(served.addresses)
        loop.add(socket) { self.receive() }
    }

    /// Stops taking requests.
    func stopReceiving() { loop.remove(socket) }

    /// Closes the socket; unsent replies are kept for the linger time.
    func close() {
        stopReceiving()
        connections.close()
        sendHeld()
        socket.close()
    }

    // MARK: Receiving

    /// Requests that are served in one turn of the loop, and how long it may last: exits and deadlines are waiting.
    private static let turnSize = 128
    private static let turnDuration = Duration.milliseconds(2)

    private func receive() -> SocketLoop.Turn {
        let end = ContinuousClock.now + CommandSocket.turnDuration
        var message = IncomingMessage()
        do throws(ZeroMQError) {
            for count in 0..<CommandSocket.turnSize {
                if count > 0, .now >= end { return try lookAhead(wasLong: true, &message) }
                if let (peer, waiting) = readAhead.next() {
                    waiting.body.withUnsafeBytes { serve(waiting.frames, $0, from: peer, waiting.sender) }
                } else if try !serveNext(&message) {
                    wasReadEmpty()
                    return count == 0 ? .idle : .busy
                }
            }
            return try lookAhead(wasLong: false, &message)
        } catch {
            logger.error("the command socket failed", metadata: ["error": "\(error)"])
            return .idle
        }
    }

    /// Receives a message and serves it.
    /// - Returns: false where none is there.
    private func serveNext(_ message: inout IncomingMessage) throws(ZeroMQError) -> Bool {
        guard try message.begin(from: socket) else { return false }
        guard try !discardIfCut(&message) else { return true }
        try message.finish(from: socket)
        let sender = sender(of: &message.frame)
        let (peer, frames) = (message.peer, message.frames)
        message.frame.withBytes { serve(frames, $0, from: peer, sender) }
        return true
    }

    /// The sender of a frame, and its connection.
    ///
    /// It is taken from the last frame of a message: a routing id does not identify a sender, and its frame has no user
    /// id after `zmq_poll`.
    func sender(of frame: inout Message) -> Sender {
        let connection = frame.connection
        let principal = frame.withUserID { access.principal($0) }
        if let principal { connections.note(connection, of: principal) }
        return Sender(principal: principal, connection: connection)
    }

    /// The sender of a message.
    struct Sender {
        /// Nil if the sender is not allowed to connect.
        var principal: Principal?
        /// The connection's descriptor; nil where libzmq does not know it.
        var connection: Int32?
    }

    /// - Parameter body: the last frame.
    private func serve(
        _ frames: RequestFrames, _ body: UnsafeRawBufferPointer, from peer: [UInt8], _ sender: Sender
    ) {
        counters.requests += 1
        // A principal that was allowed and no longer is has been disconnected; this message came before that.
        guard let principal = sender.principal.flatMap(access.current) else {
            if let connection = sender.connection { connections.cut(connection) }
            return
        }
        let route = ReplyRoute(peer, frames.envelope, trust, principal, sender.connection)
        guard frames.endsWithBody else {
            counters.frames += 1
            return refuse(Request.Refusal(msgid: 0, failure: .invalidArgument(frames.refusal)), route)
        }
        do {
            let (request, digest) = try reader.read(body) { element in
                let request = try Request(element)
                return (request, try request.requestID.map { _ in try request.digest(element[3]) })
            }
            guard trust != .remote || CommandSocket.isDrawn(peer) else {
                return refuse(Request.Refusal(msgid: request.msgid, failure: .chosenRoutingID), route)
            }
            if let failure = access.refusal(of: principal, request, second: { loop.timestamp.seconds }) {
                counters.role += 1
                return receiver.refuse(
                    Request.Refusal(msgid: request.msgid, failure: failure), of: request.method, route)
            }
            if digest == nil, receiver.answerAtOnce(request, writer) { return reply(route, writer) }
            receiver.receive(request, digest, route)
        } catch let refusal as Request.Refusal {
            refuse(refusal, route)
        } catch {
            refuse(Request.Refusal(unreadable: body, error), route)
        }
    }

    /// Whether libzmq drew a routing id: five bytes, the first of them 0. A peer that chooses its own could claim
    /// another peer's.
    private static func isDrawn(_ routingID: [UInt8]) -> Bool { routingID.count == 5 && routingID.first == 0 }

    private func refuse(_ refusal: Request.Refusal, _ route: ReplyRoute) {
        counters.malformed += 1
        receiver.refuse(refusal, of: nil, route)
    }

    func reportFailedReply(_ error: ZeroMQError) {
        logger.error("a reply could not be sent", metadata: ["error": "\(error)"])
    }
}

extension Failure {
    fileprivate static let chosenRoutingID = Failure.invalidArgument(
        "this socket serves no routing id of a client's own choice: remove ZMQ_ROUTING_ID (or ZMQ_IDENTITY)")
}
