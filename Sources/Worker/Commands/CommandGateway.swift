import ContainerProtocol
import Logging
import MessagePack
import ZeroMQ

/// Owns the command socket: decodes every request, hands it on, and sends what is answered.
///
/// Runs on the socket loop. A request is decoded where libzmq has it and served or offered to its container at once,
/// without a task; what cannot be answered yet is remembered, so that it is answered exactly once.
actor CommandGateway {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    let services: HostServices
    let socket: Socket
    let writer: Writer
    private let reader = Reader()
    var routingFrame = Message()
    private var bodyFrame = Message()
    private(set) lazy var pool = ContainerPool(services: services, gateway: self)

    /// Requests that wait for their answer, by the gateway's own number.
    var pending: [UInt64: Pending] = [:]
    var pendingPerPeer: [[UInt8]: Int] = [:]
    /// Those of them that wait for an exit, oldest first: they cost no work, and have a budget of their own.
    var parked = ParkedRequests()
    private var lastNumber: UInt64 = 0
    /// Those with a `request_id`, and those that had one.
    var requests: RequestLog
    /// Those of them that begin when it is kept that they do.
    var announced: Set<UInt64> = []
    /// Replies that a peer's full queue has not taken yet.
    var held: [[UInt8]: HeldReplies] = [:]
    /// Whether they will be tried again in a moment.
    var isRetrying = false
    private var isStopping = false
    /// How many more requests are read although too many wait for their answer.
    private var allowance = CommandGateway.trickle
    var counters = Counters()
    /// Called when a `drain` with `stop` asks for the worker's end.
    var onStop: (@Sendable () -> Void)?

    /// A request that waits for its answer.
    struct Pending {
        var route: ReplyRoute?
        var msgid: UInt32
        var id: ContainerID?
        var isParked: Bool
        /// Whether it asks only, and for nothing that must be kept before it is told.
        var isQuestion: Bool
        var deadline: SocketLoop.Deadline?
    }

    /// What has gone through the socket.
    struct Counters {
        var requests: UInt64 = 0
        var malformed: UInt64 = 0
        var undeliverable: UInt64 = 0
    }

    /// What became of a message that was sent.
    enum Delivery {
        case sent
        /// The peer reads too slowly.
        case full
        /// No peer has the routing id any more.
        case unreachable
    }

    /// Makes the socket. On the loop.
    init(services: HostServices) throws {
        self.services = services
        unownedExecutor = services.loop.asUnownedSerialExecutor()
        writer = Writer()
        requests = RequestLog(
            limit: services.configuration.limits.rememberedRequests, age: services.configuration.times.requestAge)
        socket = try Socket(.router, in: services.loop.context)
        try socket.configure(services.configuration)
        // Replies are larger than events, and those that are too many are held here: libzmq's share is smaller.
        try socket.set(.sendHighWaterMark, max(1, services.configuration.limits.highWaterMark / 10))
        try socket.set(.maximumMessageSize, Int64(services.configuration.limits.messageBytes))
        try socket.set(.routerMandatory, true)
        try socket.set(.routerHandover, true)
        // A broker that this worker connects to knows it by its host's name.
        if !services.configuration.host.isEmpty, services.configuration.host.utf8.count <= 255 {
            try socket.set(.routingID, services.configuration.host)
        }
    }

    /// Serves at `endpoint`.
    /// - Returns: where it serves.
    func serve(_ endpoint: Endpoint) throws -> String {
        try socket.attach(endpoint, ipcMode: services.configuration.ipcMode)
    }

    /// Begins to take requests.
    func start() {
        guard !isStopping else { return }
        services.loop.add(socket) { [self] in assumeIsolated { $0.receive() } }
    }

    /// Sets what a `drain` with `stop` does.
    func whenAskedToStop(_ stop: @escaping @Sendable () -> Void) { onStop = stop }

    /// Takes no more requests.
    func stopReceiving() {
        isStopping = true
        services.loop.remove(socket)
    }

    /// Answers whatever still waits, and closes the socket; unsent replies are kept for as long as the linger says.
    func close() {
        stopReceiving()
        for number in pending.keys.sorted() {
            conclude(number, .failure(Failure(.unavailable, "the worker has stopped", retryable: true)))
        }
        sendHeld()
        socket.close()
    }

    /// How many requests wait for their answer.
    var pendingCount: Int { pending.count }

    // MARK: Receiving

    /// Requests that are taken in one turn of the loop, and how long it may last: exits and deadlines are waiting.
    private static let turnSize = 128
    private static let turnDuration = Duration.milliseconds(2)

    /// Where all peers together have too many requests waiting, so many are read in each such time and no more: who
    /// sends on finds its own queue full, and who asks for `health` is still answered.
    private static let trickle = 32
    private static let trickleInterval = Duration.milliseconds(50)

    /// Whether no more requests are accepted that cannot be answered at once.
    private var isFull: Bool { pending.count - parked.count >= services.configuration.limits.requests }

    /// Leaves what comes where it is, for a moment.
    private func pause() {
        services.loop.remove(socket)
        services.loop.schedule(after: CommandGateway.trickleInterval) { [self] in
            assumeIsolated { gateway in
                gateway.allowance = CommandGateway.trickle
                gateway.start()
            }
        }
    }

    private func receive() -> SocketLoop.Turn {
        let start = ContinuousClock.now
        for count in 0..<CommandGateway.turnSize {
            if isFull {
                guard allowance > 0 else {
                    pause()
                    return .idle
                }
                allowance -= 1
            }
            if count > 0, .now - start > CommandGateway.turnDuration { return .busy }
            do throws(ZeroMQError) {
                guard try socket.receive(into: &routingFrame) else { return count == 0 ? .idle : .busy }
                try receiveRequest()
            } catch {
                services.logger.error("the command socket failed", metadata: ["error": "\(error)"])
                return .idle
            }
        }
        return .busy
    }

    /// Reads the frames behind the routing id: `[body]` or `["", body]`.
    private func receiveRequest() throws(ZeroMQError) {
        counters.requests += 1
        var frames = 0
        var hasDelimiter = false
        var hasMore = routingFrame.hasMore
        while hasMore, try socket.receive(into: &bodyFrame, wait: true) {
            frames += 1
            hasMore = bodyFrame.hasMore
            if frames == 1, hasMore, bodyFrame.count == 0 { hasDelimiter = true }
            // Frames beyond the second are only counted: the last one read does not matter then.
        }
        guard frames == (hasDelimiter ? 2 : 1) else {
            let route = ReplyRoute(routingID: routingFrame.bytes, hasDelimiter: hasDelimiter)
            let failure = Failure.invalidArgument(
                "a request is one frame, or an empty frame and one more; this message had \(frames) frames")
            return refuse(route, Request.Refusal(msgid: 0, failure: failure))
        }
        do {
            let (request, digest) = try bodyFrame.withBytes { bytes in
                try reader.read(bytes) { body in
                    let request = try Request(body)
                    return (request, try request.requestID.map { _ in try request.digest(body[3]) })
                }
            }
            if digest == nil, case .state(let id) = request.command, services.events.assumeIsolated({ $0.isSettled }) {
                return respondWithState(of: id, request.msgid, hasDelimiter)
            }
            serve(request, digest, ReplyRoute(routingID: routingFrame.bytes, hasDelimiter: hasDelimiter))
        } catch let refusal as Request.Refusal {
            refuse(ReplyRoute(routingID: routingFrame.bytes, hasDelimiter: hasDelimiter), refusal)
        } catch {
            let route = ReplyRoute(routingID: routingFrame.bytes, hasDelimiter: hasDelimiter)
            refuse(route, bodyFrame.withBytes { Request.Refusal(unreadable: $0, error) })
        }
    }

    private func refuse(_ route: ReplyRoute, _ refusal: Request.Refusal) {
        counters.malformed += 1
        respond(route, refusal.msgid, .failure(refusal.failure))
    }

    // MARK: Serving

    private func serve(_ request: Request, _ digest: ContentDigest?, _ route: ReplyRoute) {
        guard let responder = admit(request, route) else { return }
        if let failure = whyNotNow(request) {
            responder.fail(failure)
        } else if let id = request.requestID, let digest {
            serveOnce(request, id, digest, responder)
        } else {
            run(request, responder)
        }
    }

    /// While the journal cannot be written nothing may begin that has to be remembered; all else goes on.
    private func whyNotNow(_ request: Request) -> Failure? {
        guard request.requestID != nil || request.method.traits.lane == .mutating, request.method != .stop,
            let trouble = services.events.assumeIsolated({ $0.trouble })
        else { return nil }
        return .journalInTrouble(trouble)
    }

    /// Does what is asked.
    func run(_ request: Request, _ responder: Responder) {
        if request.timeout == .zero {
            let failure = Failure(.deadlineExceeded, "timeout_ms is 0: the deadline had passed when the request came")
            return responder.fail(failure)
        }
        dispatch(request, responder)
    }

    /// Remembers a request until it is answered, unless too many wait already.
    private func admit(_ request: Request, _ route: ReplyRoute) -> Responder? {
        let limits = services.configuration.limits
        let ofPeer = pendingPerPeer[route.routingID, default: 0]
        let isParked = request.method.traits.waitsForExit
        if isParked {
            parked.tidy { pending[$0] != nil }
            makeRoomForParked(limits.requests)
        }
        guard ofPeer < limits.peerRequests, isParked || !isFull || request.method.traits.isAlwaysAnswered else {
            let whose = ofPeer < limits.peerRequests ? "all peers together have" : "this peer has"
            let failure = Failure.exhausted(
                "\(whose) too many requests waiting for an answer; send this one again later",
                retryAfterMilliseconds: 100)
            respond(route, request.msgid, .failure(failure))
            return nil
        }
        lastNumber += 1
        let number = lastNumber
        var entry = Pending(
            route: route, msgid: request.msgid, id: request.command.containerID, isParked: isParked,
            isQuestion: request.method.traits.isQuestion)
        if isParked { parked.add(number) }
        if let timeout = request.timeout, timeout > .zero {
            entry.deadline = services.loop.schedule(after: timeout) { [self] in assumeIsolated { $0.expire(number) } }
        }
        pending[number] = entry
        pendingPerPeer[route.routingID] = ofPeer + 1
        return Responder(number: number, gateway: self, route: route)
    }

    /// Whoever has waited longest for an exit has to ask again where too many wait: peers that are gone are among them,
    /// and a request that is there only to be answered some day may not keep others out.
    private func makeRoomForParked(_ limit: Int) {
        while parked.count >= limit, let oldest = parked.oldest(where: { pending[$0] != nil }) {
            let id = pending[oldest]?.id
            if let id { pool.assumeIsolated { $0.queue(id) }?.assumeIsolated { _ = $0.expire(oldest) } }
            let failure = Failure(.unavailable, "too many wait for exits; ask again", retryable: true)
            let others = settle(oldest, .failure(failure))
            for number in [oldest] + others { conclude(number, .failure(failure)) }
        }
    }

    /// A responder for what the worker itself does; nobody hears its answer.
    func internalResponder() -> Responder {
        lastNumber += 1
        return Responder(number: lastNumber, gateway: self, route: ReplyRoute(routingID: [], hasDelimiter: false))
    }

    /// The deadline of a request has passed.
    private func expire(_ number: UInt64) {
        guard let entry = pending[number] else { return }
        if announced.remove(number) != nil {
            let failure = Failure(.deadlineExceeded, "the deadline passed before the journal had noted the request")
            return answer(number, .failure(failure))
        }
        let queue = entry.id.flatMap { id in pool.assumeIsolated { $0.queue(id) } }
        let failure = queue?.assumeIsolated { $0.expire(number) }
        let told = failure ?? Failure(.deadlineExceeded, "the deadline passed before there was an answer")
        if told.details["pending"] == nil {
            answer(number, .failure(told))
        } else {
            // What it comes to is still kept for whoever asks for it again.
            conclude(number, .failure(told))
        }
    }
}
