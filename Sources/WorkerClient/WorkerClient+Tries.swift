import ContainerProtocol
import MessagePack
import ZeroMQ

/// The tries of a call, from the first to the answer.
extension WorkerClient {
    /// Sends a waiting call, if the connection is open and it is the call's turn.
    func send(_ id: UInt32) {
        guard var call = calls[id], call.state == .waiting, !call.isOverdue, let connection, connection.stands else {
            return
        }
        if let input = call.inputOf, inputs[input]?.first != id { return }
        var parameters = call.parameters
        if call.method == .attach { parameters.merge(attachment(ProcessReference(parameters))) { _, new in new } }
        let rest = call.deadline.map { $0 - time.now }
        if let rest, rest <= .zero { return finish(id, .failure(call.lastFailure ?? noAnswer(call))) }
        let isBounded = call.method.isAskedAnew && !call.isSingle
        if let limit = isBounded ? min(rest ?? Method.longestWait, Method.longestWait) : rest {
            parameters["timeout_ms"] = .unsigned(UInt64((limit / .milliseconds(1)).rounded(.up)))
        }
        do throws(ZeroMQError) {
            guard try connection.socket.send(request(id, call.method, parameters)) else {
                let failure = Failure(
                    .unavailable, "too many requests wait for the worker at \(endpoint)", retryable: true)
                return retry(id, failure)
            }
        } catch {
            return finish(id, .failure(Failure.noSocket(error)))
        }
        call.state = .sent
        if !call.isSingle {
            // Twice as long after each silence, up to eight times.
            let patience = call.method.patience * (1 << min(call.silences, 3))
            call.step = alarm(.patience, after: patience) { $0.repeatUnanswered(id) }
        }
        calls[id] = call
    }

    private func request(_ id: UInt32, _ method: Method, _ parameters: Value.Map) -> [UInt8] {
        writer.clear()
        writer.array(4)
        writer.unsigned(0)
        writer.unsigned(UInt64(id))
        writer.string(method.rawValue)
        writer.array(1)
        writer.value(.map(parameters))
        return writer.bytes
    }

    /// An answer has come; a try that was given up may still be the one that is answered.
    func take(_ id: UInt32, _ result: Result<Value, Failure>) {
        losses = 0
        guard let call = calls[id] else { return }
        switch result {
        case .success(let value): finish(id, .success(value))
        case .failure(let failure):
            if call.method.isAskedAnew, !call.isSingle, failure.code == .deadlineExceeded, !isOver(call) {
                // The try's deadline, and not the caller's.
                calls[id]?.failures = 0
                retry(id, failure)
            } else if failure.retryable, !call.isOverdue {
                retry(id, failure)
            } else if call.method == .stdin, failure.details["offset"] == .null, !call.isInDoubt {
                sendWithoutOffset(id)
            } else {
                finish(id, .failure(failure))
            }
        }
    }

    /// The worker was restarted and does not know how much input the process has been given. What it cannot have had
    /// goes without an offset.
    private func sendWithoutOffset(_ id: UInt32) {
        calls[id]?.parameters["offset"] = nil
        calls[id]?.parameters["request_id"] = .string(WorkerClient.randomID())
        calls[id]?.step?.cancel()
        resume(id)
    }

    private func isOver(_ call: PendingCall) -> Bool { call.deadline.map { time.now >= $0 } ?? false }

    /// Tries again after a pause, unless that would be too late.
    private func retry(_ id: UInt32, _ failure: Failure) {
        // If several tries are answered, only the first reply counts.
        guard var call = calls[id], call.state != .pausing else { return }
        guard !call.isSingle else { return finish(id, .failure(failure)) }
        call.failures += 1
        let wanted = Int64(clamping: failure.details["retry_after_ms"]?.unsigned ?? 0)
        let pause =
            min(.milliseconds(wanted), WorkerClient.longestTimeout)
            + Backoff.pause(after: call.failures, chance: time.chance())
        if let deadline = call.deadline, time.now.advanced(by: pause) >= deadline {
            return finish(id, .failure(failure))
        }
        call.step?.cancel()
        call.state = .pausing
        call.lastFailure = failure
        call.silences = 0
        call.step = alarm(.backoff, after: pause) { $0.resume(id) }
        calls[id] = call
    }

    private func resume(_ id: UInt32) {
        calls[id]?.state = .waiting
        calls[id]?.step = nil
        send(id)
    }

    /// A try has had no answer for long although the connection is open.
    private func repeatUnanswered(_ id: UInt32) {
        calls[id]?.silences += 1
        calls[id]?.isInDoubt = true
        resume(id)
    }

    /// The connection is gone, and what was sent on it with it.
    func unsend() {
        for (id, call) in calls where call.state == .sent {
            call.step?.cancel()
            guard !call.isSingle else {
                finish(id, .failure(noAnswer(call)))
                continue
            }
            calls[id]?.state = .waiting
            calls[id]?.step = nil
            calls[id]?.silences = 0
            calls[id]?.isInDoubt = true
        }
    }

    /// Sends all waiting calls, in the order in which they were made.
    func sendWaiting() {
        let waiting = calls.filter { $0.value.state == .waiting }
        for (id, _) in waiting.sorted(by: { $0.value.number < $1.value.number }) { send(id) }
    }

    /// The caller's deadline has passed. The worker reports that too, with the state of the request, so a try that is
    /// under way gets one more second for the reply.
    func expire(_ id: UInt32) {
        guard let call = calls[id] else { return }
        guard call.state == .sent, !call.isOverdue else {
            return finish(id, .failure(call.lastFailure ?? noAnswer(call)))
        }
        calls[id]?.isOverdue = true
        calls[id]?.end = alarm(.deadline, after: .seconds(1)) { $0.expire(id) }
    }

    /// The failure carries the request's id, with which the caller can ask later whether the request ran.
    private func noAnswer(_ call: PendingCall) -> Failure {
        let message =
            if isTurnedAway {
                "the worker at \(endpoint) closes every connection at once: it may ask for a key (`--server-key`)"
            } else if isSilent {
                "the worker at \(endpoint) is silent: it accepts connections and does not answer; it may be overloaded, "
                    + "or its process may be stopped"
            } else {
                "no answer from the worker at \(endpoint); is it running?"
            }
        var failure = Failure(.unavailable, message, retryable: true)
        failure.details["request_id"] = call.parameters["request_id"]
        return failure
    }

    func finish(_ id: UInt32, _ result: Result<Value, Failure>) {
        guard let call = calls.removeValue(forKey: id) else { return }
        call.end?.cancel()
        call.step?.cancel()
        if call.method == .attach { settleAttachment(ProcessReference(call.parameters), result) }
        call.continuation.resume(returning: result)
        guard let input = call.inputOf, let index = inputs[input]?.firstIndex(of: id) else { return }
        inputs[input]?.remove(at: index)
        if let next = inputs[input]?.first { send(next) } else { inputs[input] = nil }
    }
}
