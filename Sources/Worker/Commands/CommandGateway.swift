import ContainerProtocol
import DequeModule
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
    private var routingFrame = Message()
    private var bodyFrame = Message()
    private(set) lazy var pool = ContainerPool(services: services, gateway: self)

    /// Requests that wait for their answer, by the gateway's own number.
    private var pending: [UInt64: Pending] = [:]
    private var pendingPerPeer: [[UInt8]: Int] = [:]
    /// Those of them that wait for an exit, oldest first: they cost no work, and have a budget of their own.
    private var parked = Deque<UInt64>()
    private var lastNumber: UInt64 = 0
    /// Replies that a peer's full queue has not taken yet.
    private var held: [[UInt8]: HeldReplies] = [:]
    private(set) var counters = Counters()
    /// Called when a `drain` with `stop` asks for the worker's end.
    var onStop: (@Sendable () -> Void)?

    /// A request that waits for its answer.
    private struct Pending {
        var route: ReplyRoute?
        var msgid: UInt32
        var id: ContainerID?
        var isParked: Bool
        var deadline: SocketLoop.Deadline?
    }

    /// Replies of one peer that reads too slowly.
    private struct HeldReplies {
        var bodies = Deque<(body: [UInt8], hasDelimiter: Bool)>()
        var bytes = 0
        var lost = 0
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
        socket = try Socket(.router, in: services.loop.context)
        try socket.configure(services.configuration)
        // Replies are larger than events, and those that are too many are held here: libzmq's share is smaller.
        try socket.set(.sendHighWaterMark, max(1, services.configuration.limits.highWaterMark / 10))
        try socket.set(.routerMandatory, true)
        try socket.set(.routerHandover, true)
        // A broker that this worker connects to knows it by its host's name.
        if !services.configuration.host.isEmpty, services.configuration.host.utf8.count <= 255 {
            try socket.set(.routingID, services.configuration.host)
        }
    }

    /// Serves at `endpoint`.
    /// - Returns: where it serves.
    func serve(_ endpoint: Endpoint) throws -> String { try socket.attach(endpoint) }

    /// Begins to take requests.
    func start() {
        services.loop.add(socket) { [self] in assumeIsolated { $0.receive() } }
    }

    /// Sets what a `drain` with `stop` does.
    func whenAskedToStop(_ stop: @escaping @Sendable () -> Void) { onStop = stop }

    /// Takes no more requests.
    func stopReceiving() { services.loop.remove(socket) }

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

    private func receive() -> SocketLoop.Turn {
        let start = ContinuousClock.now
        for count in 0..<CommandGateway.turnSize {
            if count % 8 == 7, .now - start > CommandGateway.turnDuration { return .busy }
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
            let request = try bodyFrame.withBytes { bytes in
                try reader.read(bytes) { try Request($0) }
            }
            if case .state(let id) = request.command, services.events.assumeIsolated({ $0.isSettled }) {
                return respondWithState(of: id, request.msgid, hasDelimiter)
            }
            serve(request, ReplyRoute(routingID: routingFrame.bytes, hasDelimiter: hasDelimiter))
        } catch let refusal as Request.Refusal {
            refuse(ReplyRoute(routingID: routingFrame.bytes, hasDelimiter: hasDelimiter), refusal)
        } catch {
            let route = ReplyRoute(routingID: routingFrame.bytes, hasDelimiter: hasDelimiter)
            refuse(route, Request.Refusal(msgid: 0, failure: .invalidArgument("the body is not acceptable: \(error)")))
        }
    }

    private func refuse(_ route: ReplyRoute, _ refusal: Request.Refusal) {
        counters.malformed += 1
        respond(route, refusal.msgid, .failure(refusal.failure))
    }

    // MARK: Serving

    private func serve(_ request: Request, _ route: ReplyRoute) {
        guard let responder = admit(request, route) else { return }
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
        let isParked = request.command.waitsForAnExit
        if isParked { makeRoomForParked(limits.requests) }
        guard ofPeer < limits.peerRequests, isParked || pending.count - parked.count < limits.requests else {
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
            route: route, msgid: request.msgid, id: request.command.containerID, isParked: isParked)
        if isParked { parked.append(number) }
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
        while parked.count >= limit, let oldest = parked.popFirst() {
            let id = pending[oldest]?.id
            if let id { pool.assumeIsolated { $0.queue(id) }?.assumeIsolated { _ = $0.expire(oldest) } }
            conclude(oldest, .failure(Failure(.unavailable, "too many wait for exits; ask again", retryable: true)))
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
        let queue = entry.id.flatMap { id in pool.assumeIsolated { $0.queue(id) } }
        let failure = queue?.assumeIsolated { $0.expire(number) }
        conclude(
            number, .failure(failure ?? Failure(.deadlineExceeded, "the deadline passed before there was an answer")))
    }

    // MARK: Answering

    /// Answers a remembered request, once everything that it caused has been published.
    nonisolated func answer(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) {
        services.events.assumeIsolated { events in
            events.whenPublished { [self] in assumeIsolated { $0.conclude(number, result) } }
        }
    }

    private func conclude(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) {
        guard let entry = pending.removeValue(forKey: number), let route = entry.route else { return }
        if let deadline = entry.deadline { services.loop.cancel(deadline) }
        if entry.isParked, let index = parked.firstIndex(of: number) { parked.remove(at: index) }
        let left = pendingPerPeer[route.routingID, default: 1] - 1
        pendingPerPeer[route.routingID] = left > 0 ? left : nil
        respond(route, entry.msgid, result)
    }

    /// The most frequent question by far: answered on the spot to the one whose routing frame is at hand, without
    /// remembering the request or copying the record.
    private func respondWithState(of id: ContainerID, _ msgid: UInt32, _ hasDelimiter: Bool) {
        beginResponse(msgid)
        if let queue = pool.assumeIsolated({ $0.queue(id) }) {
            writer.null()
            // Safe: the queue runs on this same loop, and the writer does not stay with it.
            nonisolated(unsafe) let writer = writer
            queue.assumeIsolated { $0.record.encode(to: writer) }
        } else {
            Failure.noContainer(id).value.encode(to: writer)
            writer.null()
        }
        if held.isEmpty {
            let delivery = routingFrame.withBytes { send($0, hasDelimiter) }
            if delivery != .full { return }
        }
        deliver(routingFrame.bytes, hasDelimiter)
    }

    private func beginResponse(_ msgid: UInt32) {
        writer.clear()
        writer.array(4)
        writer.unsigned(1)
        writer.unsigned(UInt64(msgid))
    }

    private func respond(_ route: ReplyRoute, _ msgid: UInt32, _ result: Result<any WireEncodable, Failure>) {
        beginResponse(msgid)
        switch result {
        case .success(let value):
            writer.null()
            value.encode(to: writer)
        case .failure(let failure):
            failure.value.encode(to: writer)
            writer.null()
        }
        deliver(route.routingID, route.hasDelimiter)
    }

    /// Sends the reply that the writer holds; one that the peer's queue does not take is kept, and tried again.
    private func deliver(_ routingID: [UInt8], _ hasDelimiter: Bool) {
        if held[routingID] == nil {
            switch routingID.withUnsafeBytes({ send($0, hasDelimiter) }) {
            case .sent: return
            case .unreachable:
                counters.undeliverable += 1
                return
            case .full: break
            }
            services.loop.schedule(after: CommandGateway.patience) { [self] in assumeIsolated { $0.sendHeld() } }
        }
        hold(routingID, hasDelimiter)
    }

    /// Bytes of replies that are kept for a peer that does not read.
    private static let heldBytes = 1 << 20
    /// Between attempts to send what is kept.
    private static let patience = Duration.milliseconds(20)

    private func hold(_ routingID: [UInt8], _ hasDelimiter: Bool) {
        var replies = held[routingID] ?? HeldReplies()
        if replies.bytes + writer.count <= CommandGateway.heldBytes {
            replies.bodies.append((writer.bytes, hasDelimiter))
            replies.bytes += writer.count
        } else {
            if replies.lost == 0 {
                services.logger.warning(
                    "a peer does not read its replies, and loses some", metadata: ["routing_id": "\(routingID)"])
            }
            replies.lost += 1
            counters.undeliverable += 1
        }
        held[routingID] = replies
    }

    private func sendHeld() {
        for routingID in Array(held.keys) {
            while let first = held[routingID]?.bodies.first {
                writer.clear()
                writer.encoded(first.body)
                let delivery = routingID.withUnsafeBytes { send($0, first.hasDelimiter) }
                if delivery == .full { break }
                if delivery == .unreachable { held[routingID]?.bodies.removeAll() }
                _ = held[routingID]?.bodies.popFirst()
                held[routingID]?.bytes -= first.body.count
            }
            if held[routingID]?.bodies.isEmpty == true { held[routingID] = nil }
        }
        guard !held.isEmpty else { return }
        services.loop.schedule(after: CommandGateway.patience) { [self] in assumeIsolated { $0.sendHeld() } }
    }

    /// Sends a notification: `[2, "output", [{...}]]`.
    func notify(_ route: ReplyRoute, _ output: Output) -> Delivery {
        writer.clear()
        writer.array(3)
        writer.unsigned(2)
        writer.string("output")
        writer.array(1)
        output.encode(to: writer)
        return send(route)
    }

    /// Sends what the writer holds.
    private func send(_ route: ReplyRoute) -> Delivery {
        route.routingID.withUnsafeBytes { send($0, route.hasDelimiter) }
    }

    private func send(_ routingID: UnsafeRawBufferPointer, _ hasDelimiter: Bool) -> Delivery {
        do throws(ZeroMQError) {
            guard try socket.send(routingID, more: true) else { return .full }
            if hasDelimiter { try socket.send([], more: true) }
            try socket.send(writer)
            return .sent
        } catch {
            if !error.isUnreachable {
                services.logger.error("a reply could not be sent", metadata: ["error": "\(error)"])
            }
            return .unreachable
        }
    }
}

extension Socket {
    /// A frame of this size is handed over rather than copied: below it, a copy is cheaper than another buffer.
    private static let handedOver = 32 * 1024

    /// Sends what `writer` holds as a message's last frame.
    func send(_ writer: Writer) throws(ZeroMQError) {
        if writer.count >= Socket.handedOver {
            try send(adopting: writer.release())
            return
        }
        let result: Result<Bool, ZeroMQError> = writer.withBytes { bytes in
            Result { () throws(ZeroMQError) in try send(bytes) }
        }
        _ = try result.get()
    }
}
