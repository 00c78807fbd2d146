import ContainerProtocol
import MessagePack

/// Requests with a `request_id`: each runs once, and every repeat gets the first one's answer.
extension CommandGateway {
    /// Runs a request, unless it has been made before.
    func serveOnce(_ request: Request, _ id: String, _ digest: ContentDigest, _ responder: Responder) {
        let key = RequestKey(principal: "", id: id)
        switch requests.standing(of: key, digest) {
        case .new: begin(request, key, digest, responder)
        case .running: requests.join(key, responder.number)
        case .answered: repeatAnswer(key, responder.number)
        case .other:
            responder.fail(
                Failure(
                    .alreadyExists,
                    "the request_id \"\(Excerpt(id))\" has been used for another request; give every request its own")
            )
        }
    }

    private func begin(_ request: Request, _ key: RequestKey, _ digest: ContentDigest, _ responder: Responder) {
        let stored = StoredRequest(
            key: key, digest: digest, method: request.method.rawValue, second: Timestamp.now.seconds)
        requests.begin(stored, responder.number)
        let forgotten = requests.trim(now: stored.second)
        services.events.assumeIsolated { events in
            events.save(.began(stored))
            for key in forgotten { events.save(.forgotten(key)) }
            // What stands in line announces itself before it touches the host; everything else may do so only after.
            // What comes to the same a second time needs no note: no disk is to keep a container from its stop.
            if request.method.traits.isRepeatHarmless || request.method.traits.lane == .mutating {
                self.assumeIsolated { $0.run(request, responder) }
            } else {
                self.assumeIsolated { _ = $0.announced.insert(responder.number) }
                events.whenPublished { self.assumeIsolated { $0.runAnnounced(request, responder) } }
            }
        }
    }

    /// What a request asks for is kept, so that it can be done; unless its deadline has passed meanwhile.
    private func runAnnounced(_ request: Request, _ responder: Responder) {
        if announced.remove(responder.number) != nil { run(request, responder) }
    }

    private func repeatAnswer(_ key: RequestKey, _ number: UInt64) {
        let events = services.events
        // An answer that has just been given is not kept yet.
        events.assumeIsolated { publisher in
            publisher.whenPublished {
                events.assumeIsolated { publisher in
                    publisher.answer(to: key) { [self] answer in
                        assumeIsolated { $0.conclude(number, CommandGateway.result(of: answer)) }
                    }
                }
            }
        }
    }

    private static func result(of answer: StoredAnswer?) -> Result<any WireEncodable, Failure> {
        guard let answer else {
            return .failure(
                Failure(
                    .unavailable, "the answer to this request_id cannot be read now; send it again later",
                    retryable: true, details: ["retry_after_ms": 1000]))
        }
        guard answer.isFailure else { return .success(Encoded(body: answer.body)) }
        let value = (try? Reader().value(answer.body)) ?? .null
        return .failure(Failure(value))
    }

    /// Answers that are longer are not kept where the request can as well be made again.
    private static let longestAnswer = 64 * 1024

    /// Keeps what a request that runs once came to.
    /// - Returns: who else waits for the same answer.
    func settle(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) -> [UInt64] {
        guard let key = requests.key(of: number) else { return [] }
        var isKept = true
        writer.clear()
        switch result {
        case .success(let value):
            value.encode(to: writer)
            isKept = writer.count <= CommandGateway.longestAnswer
        case .failure(let failure):
            failure.value.encode(to: writer)
            // It left nothing behind, and the same request may come again and succeed.
            isKept = !failure.retryable
        }
        let answer = StoredAnswer(isFailure: (try? result.get()) == nil, body: writer.bytes)
        services.events.assumeIsolated { $0.save(isKept ? .answered(key, answer) : .forgotten(key)) }
        return requests.finish(number, isKept: isKept)
    }

    // MARK: After a start of the worker

    /// The way back to whoever asks again for a request that was under way when the worker died.
    func resume(_ key: RequestKey?) -> Responder {
        let responder = internalResponder()
        if let key { requests.resume(key, responder.number) }
        return responder
    }

    /// Takes up the requests that were kept. Called before the containers are: those claim theirs by ``resume(_:)``.
    func restore(_ stored: [StoredRequest]) { requests.restore(stored) }

    /// Settles the requests that no container has claimed.
    func settleUnclaimed(_ stored: [StoredRequest], claimed: Set<RequestKey>) {
        for request in stored where !request.isAnswered && !claimed.contains(request.key) {
            let failure =
                request.isRepeatHarmless
                ? Failure(.aborted, "the worker died before this had come to its end; send it again", retryable: true)
                : Failure(
                    .aborted,
                    "the worker died while this was under way; whether it was carried out nobody can say, and "
                        + "it is not tried again")
            answer(resume(request.key).number, .failure(failure))
        }
    }
}

/// A result that is encoded already.
private struct Encoded: WireEncodable {
    let body: [UInt8]
    func encode(to writer: Writer) { writer.encoded(body) }
}

extension StoredRequest {
    /// Whether it may be made again although it may have been carried out.
    fileprivate var isRepeatHarmless: Bool { Method(rawValue: method)?.traits.isRepeatHarmless ?? false }
}
