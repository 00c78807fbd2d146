import ContainerDriver
import ContainerModel
import ContainerProtocol
import Logging
import MessagePack

/// The serialised queue: mutating commands, one after another.
extension Container {
    /// Puts a command at the end of the queue; a full queue refuses it at once.
    func offer(_ command: QueuedCommand) {
        guard lane.append(command, limit: services.configuration.limits.queueDepth) else {
            command.responder?.fail(
                .exhausted(
                    "\(id) has \(lane.waitingCount) commands waiting, which is its limit; send this one again later",
                    retryAfterMilliseconds: 100))
            return
        }
        advance()
        reportStanding()
    }

    /// Begins the next command where none is under way.
    func advance() {
        while !link.isOpening, state.phase != .gone, let next = lane.next(at: services.loop.timestamp) { begin(next) }
    }

    private func begin(_ command: QueuedCommand) {
        if let queuedAt = command.queuedAt { services.pool.figures.waited(services.loop.now - queuedAt) }
        outcome = CommandOutcome()
        switch command.kind {
        case .create(let creation):
            if state.phase == .new {
                self.creation = creation
                facts.labels = creation.labels
                facts.ignored = creation.ignored
                facts.isAutoRemoved = creation.autoRemove
                describe(creation)
                known = .init(creation.specification)
            }
            feed(.create)
        case .start: feed(.start)
        case .exec(let exec): feed(.exec(exec.name))
        case .pause: if requireThatItCanPause("paused") { feed(.pause) }
        case .resume: if requireThatItCanPause("resumed") { feed(.resume) }
        case .update: feed(.update)
        case .delete(let force):
            if force { stop.replaceCause(command.cause) }
            feed(.delete(force: force))
        case .restore:
            if state.isLive || state.phase == .created { open() } else { finish(.success(standingResult)) }
        case .checkpoint:
            finish(.failure(Failure(.unimplemented, "the driver \(services.driver.name) has no checkpoints")))
        }
    }

    private func requireThatItCanPause(_ verb: String) -> Bool {
        guard known.canPause == false else { return true }
        let driver = services.driver.name
        finish(
            .failure(Failure(.unimplemented, "\(id) cannot be \(verb): with \(driver) only Hyper-V isolation can")))
        return false
    }

    /// The deadline of the command under way has passed: takes it back, where its driver call has not begun.
    /// - Returns: false where it has.
    func takeBackCommand() -> Bool {
        // Then the call in line is the container's own going down, or clears up after a failed start: no request may take
        // that back.
        guard state.phase != .goingDown, !state.isDiscardedForFailedStart, let number = calls.inLine,
            var failed = state.failureOfCall
        else { return false }
        switch calls.begin {
        case .call(let call)?:
            guard call.takeBack() else { return false }
            calls.giveUp(number)
        case .admission(let place)?:
            guard services.creations.leaveLine(place) else { return false }
            calls.leaveLine(number)
        case .intent?: calls.leaveLine(number)
        case nil: return false
        }
        if case .start = lane.current?.kind, state.phase == .starting { failed = .startGivenUp }
        lane.replaceFailure(
            Failure(.deadlineExceeded, "the deadline passed before the call was begun", retryable: true))
        feed(failed)
        // A stop that waited for the start has nothing to stop.
        if failed == .startGivenUp { failRemainingWaiters() }
        return true
    }

    // MARK: Replies

    /// Ends the command under way.
    func finish(_ result: Result<any WireEncodable, Failure>) {
        guard let command = lane.finish() else { return }
        save()
        log(command, result)
        switch result {
        case .success(let value): command.responder?.succeed(value)
        case .failure(let failure): command.responder?.fail(failure)
        }
    }

    /// The command under way has succeeded.
    func succeed() {
        guard let command = lane.current else { return }
        // A container that is created and started in one: the command stays under way.
        if case .create(let creation) = command.kind, creation.start, state.phase == .created { return feed(.start) }
        finish(.success(result(of: command)))
    }

    private func result(of command: QueuedCommand) -> Value {
        let state: Value = .string(state.wire.rawValue)
        switch command.kind {
        case .create:
            var result: Value.Map = ["id": .string(id.rawValue), "state": state]
            if let pid = self.state.pid { result["pid"] = .int(pid) }
            result["warnings"] = .array(outcome.warnings.map { .string($0) })
            result["ignored"] = .array(facts.ignored.map { .string($0) })
            return .map(result)
        case .start: return ["state": state, "pid": .int(self.state.pid ?? 0)]
        case .exec(let exec):
            var result: Value.Map = ["process": .string(exec.name.rawValue)]
            result["pid"] = .int(self.state.processes[exec.name]?.pid ?? 0)
            let ignored = exec.ignored + outcome.ignored
            if !ignored.isEmpty { result["ignored"] = .array(ignored.map { .string($0) }) }
            return .map(result)
        case .update:
            var result: Value.Map = [
                "applied": .array(outcome.applied.map { .string($0) }),
                "ignored": .array(outcome.ignored.map { .string($0) }),
            ]
            if !outcome.warnings.isEmpty { result["warnings"] = .array(outcome.warnings.map { .string($0) }) }
            return .map(result)
        case .delete: return [:]
        case .pause, .resume, .restore, .checkpoint: return ["state": state]
        }
    }

    /// `{state, pid?}`
    var standingResult: Value {
        var result: Value.Map = ["state": .string(state.wire.rawValue)]
        if state.isLive, let pid = state.pid { result["pid"] = .int(pid) }
        return .map(result)
    }

    private func log(_ command: QueuedCommand, _ result: Result<any WireEncodable, Failure>) {
        switch result {
        case .success: services.logger.debug("done", metadata: metadata(of: command))
        case .failure(let failure):
            services.logger.info(
                "failed", metadata: metadata(of: command).merging(["error": "\(failure)"]) { $1 })
        }
    }

    private func metadata(of command: QueuedCommand) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["container": "\(id)", "command": "\(command.kind.name)"]
        if let text = command.cause.requestID { metadata["request_id"] = "\(text)" }
        if let text = command.cause.traceparent { metadata["traceparent"] = "\(text)" }
        return metadata
    }
}
