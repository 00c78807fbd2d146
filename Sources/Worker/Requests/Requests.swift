import ContainerModel
import ContainerProtocol
import MessagePack

/// Sends what has been encoded: the command socket, or a test's list.
protocol ReplySender: AnyObject {
    /// Sends a reply; one that the peer's queue does not take is kept, and sent later.
    func reply(_ route: ReplyRoute, _ body: Writer)
    /// Sends a notification, if the peer's queue takes it.
    func notify(_ route: ReplyRoute, _ body: Writer) -> Delivery
}

/// Does what requests ask for: the router, or a test.
protocol RequestHandler: AnyObject {
    /// Does what is asked, now or later, and answers by way of `responder`.
    func handle(_ request: Request, _ responder: Responder)
    /// Why a request cannot begin now, for want of what the worker stands on; nil where it can.
    func refusal(_ request: Request) -> Failure?
    /// Answers a request at once if that only needs a look-up: writes the whole reply to `writer`.
    /// - Returns: nil where it did not, and whether what it asks for was found.
    func answerAtOnce(_ request: Request, _ writer: Writer) -> Bool?
    /// Cancels what has not begun of request `number` about container `id`, whose deadline has passed.
    /// - Parameter isQuestion: whether the request only reads.
    /// - Returns: the failure for the peer; nil if the request is not known.
    func expire(_ number: UInt64, _ id: ContainerID, isQuestion: Bool) -> Failure?
}

extension RequestHandler {
    func refusal(_ request: Request) -> Failure? { nil }
}

/// Every request from its admission to its reply: limits, deadlines and idempotency. On the loop only.
///
/// A reply takes three steps: complete (the outcome is committed, and the events that the request caused are
/// published), encode, and send.
final class Requests: Replies, RequestReceiver {
    private let limits: WorkerConfiguration.Limits
    private let loop: any HostLoop
    private let outbox: Outbox
    /// Sends the replies. It outlives the requests.
    weak var sender: (any ReplySender)?
    /// Receives the outcome of requests that change something.
    var audit: AuditLog?
    private let handler: any RequestHandler
    private let writer = Writer()
    private var table: RequestTable
    /// What is counted of requests.
    private(set) var figures = RequestFigures()
    /// Requests with a `request_id`, running and answered.
    private var log: RequestLog

    /// Requests that `handler` serves.
    init(
        configuration: WorkerConfiguration, on loop: any HostLoop, outbox: Outbox, handler: any RequestHandler
    ) {
        limits = configuration.limits
        self.loop = loop
        self.outbox = outbox
        self.handler = handler
        table = RequestTable(peerLimit: limits.peerRequests, limit: limits.requests)
        log = RequestLog(limit: limits.rememberedRequests, age: configuration.times.requestAge)
    }

    /// How many requests wait for their answer.
    var count: Int { table.count }

    // MARK: Admission

    func answerAtOnce(_ request: Request, _ writer: Writer) -> Bool {
        guard let isFound = handler.answerAtOnce(request, writer) else { return false }
        figures.lookedUp(isFound: isFound)
        return true
    }

    /// Serves a request.
    /// - Parameter digest: of what it asks for; of a request with a `request_id` only.
    func receive(_ request: Request, _ digest: ContentDigest?, _ route: ReplyRoute) {
        guard let responder = admit(request, route) else { return }
        if let failure = whyNotNow(request) {
            responder.fail(failure)
        } else if let id = request.requestID, let digest {
            serveOnce(request, RequestKey(principal: route.principal.requestScope, id: id), digest, responder)
        } else {
            run(request, responder)
        }
    }

    func refuse(_ refusal: Request.Refusal, of method: Method?, _ route: ReplyRoute) {
        figures.refused(method, refusal.failure.code)
        encode(refusal.msgid, .failure(refusal.failure))
        sender?.reply(route, writer)
    }

    private func admit(_ request: Request, _ route: ReplyRoute) -> Responder? {
        let traits = request.method.traits
        if traits.waitsForExit { makeRoomForParked() }
        let entry = RequestTable.Entry(
            route: route, msgid: request.msgid, method: request.method, requestID: request.requestID,
            container: request.command.containerID,
            isParked: traits.waitsForExit, isQuestion: traits.isQuestion, arrivedAt: loop.now)
        switch table.admit(entry, isAlwaysAdmitted: traits.isAlwaysAnswered) {
        case .admitted(let number):
            if let timeout = request.timeout, timeout > .zero {
                table.setDeadline(loop.schedule(after: timeout) { [self] in expire(number) }, of: number)
            }
            return responder(number, route)
        case .peerIsFull: refuseForNow(request, route, "this peer has")
        case .hostIsFull: refuseForNow(request, route, "all peers together have")
        }
        return nil
    }

    private func refuseForNow(_ request: Request, _ route: ReplyRoute, _ whose: String) {
        let failure = Failure.exhausted(
            "\(whose) too many requests waiting for an answer; send this one again later", retryAfterMilliseconds: 100)
        refuse(Request.Refusal(msgid: request.msgid, failure: failure), of: request.method, route)
    }

    /// When too many requests wait for exits, the oldest is answered `unavailable`.
    private func makeRoomForParked() {
        while let oldest = table.parkedToExpire() {
            if let id = table[oldest]?.container { _ = handler.expire(oldest, id, isQuestion: false) }
            let failure = Failure(
                .unavailable, "too many requests wait for exits; send this one again", retryable: true)
            let others = settle(oldest, .failure(failure))
            for number in [oldest] + others { reply(number, .failure(failure)) }
        }
    }

    /// While the journal cannot be written, no request may begin that must be remembered. All others are served.
    private func whyNotNow(_ request: Request) -> Failure? {
        if let refusal = handler.refusal(request) { return refusal }
        guard request.requestID != nil || request.method.traits.lane == .mutating, request.method != .stop,
            let trouble = outbox.trouble
        else { return nil }
        return .journalInTrouble(trouble)
    }

    private func run(_ request: Request, _ responder: Responder) {
        if request.timeout == .zero {
            return responder.fail(
                Failure(.deadlineExceeded, "timeout_ms is 0: the deadline had passed when the request came"))
        }
        handler.handle(request, responder)
    }

    private func responder(_ number: UInt64, _ route: ReplyRoute?) -> Responder {
        Responder(number: number, route: route, replies: LoopBound(self, to: loop))
    }

    // MARK: Requests that run once

    private func serveOnce(
        _ request: Request, _ key: RequestKey, _ digest: ContentDigest, _ responder: Responder
    ) {
        switch log.standing(of: key, digest) {
        case .new: begin(request, key, digest, responder)
        case .running:
            figures.repeats()
            log.join(key, responder.number)
        case .answered:
            figures.repeats()
            repeatAnswer(key, responder.number)
        case .other:
            responder.fail(
                Failure(
                    .alreadyExists,
                    "the request_id \"\(Excerpt(key.id))\" has been used for another request; give every request its "
                        + "own"))
        }
    }

    private func begin(_ request: Request, _ key: RequestKey, _ digest: ContentDigest, _ responder: Responder) {
        // A stop comes here too while nothing can be kept: a second one does no harm, and notes of many would pile up.
        guard outbox.trouble == nil else { return run(request, responder) }
        let stored = StoredRequest(
            key: key, digest: digest, method: request.method.rawValue, second: loop.timestamp.seconds)
        log.begin(stored, responder.number)
        outbox.save(.began(stored))
        for key in log.trim(now: stored.second) { outbox.save(.forgotten(key)) }
        // A mutating request is noted in its container's record before it touches the host. What comes to the same a
        // second time needs no note: no disk is to keep a container from its stop. Everything else begins once its note
        // is kept.
        if request.method.traits.isRepeatHarmless || request.method.traits.lane == .mutating {
            return run(request, responder)
        }
        table.setAnnounced(true, of: responder.number)
        outbox.afterCommit { [self] in
            // Its deadline may have passed meanwhile.
            if table.setAnnounced(false, of: responder.number) { run(request, responder) }
        }
    }

    private func repeatAnswer(_ key: RequestKey, _ number: UInt64) {
        // An answer that has just been given is not kept yet.
        outbox.afterCommit { [self] in
            outbox.answer(to: key) { [self] answer in reply(number, Requests.result(of: answer)) }
        }
    }

    private static func result(of answer: StoredAnswer?) -> Result<any WireEncodable, Failure> {
        guard let answer else {
            return .failure(
                Failure(
                    .unavailable, "the answer to this request_id cannot be read now; send it again later",
                    retryable: true, details: ["retry_after_ms": 1000]))
        }
        guard answer.isFailure else { return .success(EncodedResult(body: answer.body)) }
        let value = (try? Reader().value(answer.body)) ?? .null
        return .failure(Failure(value))
    }

    /// Answers that are longer are not kept where the request can as well be made again.
    private static let longestAnswer = 64 * 1024

    /// Keeps what a request that runs once came to.
    /// - Returns: the other requests that wait for the same answer.
    private func settle(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) -> [UInt64] {
        guard let key = log.key(of: number) else { return [] }
        var isKept = true
        writer.clear()
        switch result {
        case .success(let value):
            value.encode(to: writer)
            isKept = writer.count <= Requests.longestAnswer
        case .failure(let failure):
            failure.value.encode(to: writer)
            // It left nothing behind, and the same request may come again and succeed.
            isKept = !failure.retryable
        }
        let answer = StoredAnswer(isFailure: (try? result.get()) == nil, body: writer.bytes)
        outbox.save(isKept ? .answered(key, answer) : .forgotten(key))
        return log.finish(number, isKept: isKept)
    }

    // MARK: After a start of the worker

    /// Restores the requests from the journal. Containers then claim theirs by ``resume(_:)``.
    func restore(_ stored: [StoredRequest]) { log.restore(stored) }

    /// The way back to a peer that repeats a request which was under way when the worker died.
    func resume(_ key: RequestKey) -> Responder {
        let number = table.nextNumber()
        log.resume(key, number)
        return responder(number, nil)
    }

    // MARK: Replies

    func complete(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) {
        let others = settle(number, result)
        // A retryable failure reports no change, so it is sent even while the journal cannot commit.
        let isRefusal = if case .failure(let failure) = result { failure.retryable } else { false }
        outbox.afterCommit(isQuestion: isRefusal || table[number]?.isQuestion ?? false) { [self] in
            reply(number, result)
            for other in others { reply(other, result) }
        }
    }

    private func reply(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) {
        log.leave(number)
        guard let entry = table.remove(number), let route = entry.route else { return }
        if let deadline = entry.deadline { loop.cancel(deadline) }
        let failure: Failure.Code? = if case .failure(let failure) = result { failure.code } else { nil }
        figures.answered(entry.method, failure, after: loop.now - entry.arrivedAt)
        if entry.method.traits.changes {
            audit?.did(
                route.principal, entry.method, entry.container, requestID: entry.requestID, failure)
        }
        encode(entry.msgid, result)
        sender?.reply(route, writer)
    }

    private func encode(_ msgid: UInt32, _ result: Result<any WireEncodable, Failure>) {
        Requests.beginResponse(msgid, writer)
        switch result {
        case .success(let value):
            writer.null()
            value.encode(to: writer)
        case .failure(let failure):
            failure.value.encode(to: writer)
            writer.null()
        }
    }

    /// Begins a response; its error and its result follow.
    static func beginResponse(_ msgid: UInt32, _ writer: Writer) {
        writer.clear()
        writer.array(4)
        writer.unsigned(1)
        writer.unsigned(UInt64(msgid))
    }

    func notify(_ route: ReplyRoute, _ output: OutputNotification) -> Delivery {
        writer.clear()
        writer.array(3)
        writer.unsigned(2)
        writer.string("output")
        writer.array(1)
        output.encode(to: writer)
        return sender?.notify(route, writer) ?? .unreachable
    }

    /// Replies to every request that still waits that the worker has stopped.
    func close() {
        for number in table.numbers {
            reply(number, .failure(Failure(.unavailable, "the worker has stopped", retryable: true)))
        }
    }

    /// Completes the waiting requests of principals that have lost their access. Running requests go on, and their
    /// outcome is committed.
    func conclude(_ principals: Set<String>) {
        for number in table.numbers(of: principals) {
            guard let entry = table[number] else { continue }
            if let id = entry.container { _ = handler.expire(number, id, isQuestion: entry.isQuestion) }
            reply(
                number, .failure(Failure(.unauthenticated, "your key is not one that this worker lets in any more")))
        }
    }

    // MARK: Deadlines

    /// The deadline of a request has passed.
    private func expire(_ number: UInt64) {
        guard let entry = table[number] else { return }
        if table.setAnnounced(false, of: number) {
            return complete(
                number,
                .failure(
                    Failure(
                        .deadlineExceeded, "the deadline passed before the journal had noted the request",
                        retryable: true)))
        }
        let failure =
            entry.container.flatMap { handler.expire(number, $0, isQuestion: entry.isQuestion) }
            ?? Failure(
                .deadlineExceeded, "the deadline passed before there was an answer", retryable: entry.isQuestion)
        if failure.details["pending"] == nil {
            complete(number, .failure(failure))
        } else {
            // The outcome is still kept for a peer that repeats the request.
            reply(number, .failure(failure))
        }
    }
}

/// A result that is encoded already.
struct EncodedResult: WireEncodable {
    let body: [UInt8]
    func encode(to writer: Writer) { writer.encoded(body) }
}

extension Failure {
    /// Nothing may begin, or be answered, that has to be kept.
    static func journalInTrouble(_ trouble: String) -> Failure {
        Failure(
            .unavailable, "the worker's journal cannot be written (\(trouble)); send this again when it can",
            retryable: true, details: ["retry_after_ms": 1000])
    }
}
