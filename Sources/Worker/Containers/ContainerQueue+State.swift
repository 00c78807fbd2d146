import ContainerDriver
import ContainerProtocol
import Logging
import MessagePack

/// Inputs of the state machine, and what follows from them.
extension ContainerQueue {
    /// Gives the state machine an input, carries out what it says, and goes on with the line.
    func feed(_ input: ContainerState.Input) {
        do throws(ContainerState.Refusal) {
            perform(try state.apply(input))
        } catch {
            finish(.failure(Failure(error, id, state: state.wire)))
        }
        save()
        advance()
        reopenIfNeeded()
        endIfDue()
    }

    func perform(_ actions: [ContainerState.Action]) {
        for action in actions {
            switch action {
            case .drive(let operation): drive(operation)
            case .publish(let kind, let process, let pid, let exit): publish(kind, process, pid, exit)
            case .succeed: succeed()
            case .fail:
                finish(.failure(failure ?? Failure(.aborted, "\(id): the container went away under the command")))
            case .forget: forget()
            }
        }
    }

    /// `{state, pid?}`
    var standing: Value {
        var result: Value.Map = ["state": .string(state.wire.rawValue)]
        if state.isLive, let pid = state.pid { result["pid"] = .int(pid) }
        return .map(result)
    }

    private func succeed() {
        guard let command = current else { return }
        switch command.kind {
        case .create(let creation):
            if creation.start, state.phase == .created {
                // A container that is created and started in one: the command stays under way.
                feed(.start)
            } else {
                finish(.success(createdResult()))
            }
        case .start: finish(.success(startedResult()))
        case .exec(let exec):
            var result: Value.Map = ["process": .string(exec.name.rawValue)]
            result["pid"] = .int(state.processes[exec.name]?.pid ?? 0)
            if !exec.ignored.isEmpty { result["ignored"] = .array(exec.ignored.map { .string($0) }) }
            finish(.success(Value.map(result)))
        case .update:
            finish(
                .success(
                    [
                        "applied": .array(updated.applied.map { .string($0) }),
                        "ignored": .array(updated.ignored.map { .string($0) }),
                    ] as Value))
        case .delete: finish(.success([:] as Value))
        default: finish(.success(["state": .string(state.wire.rawValue)] as Value))
        }
    }

    private func createdResult() -> Value {
        var result: Value.Map = ["id": .string(id.rawValue), "state": .string(state.wire.rawValue)]
        if let pid = state.pid { result["pid"] = .int(pid) }
        result["warnings"] = .array(warnings.map { .string($0) })
        result["ignored"] = .array(facts.ignored.map { .string($0) })
        return .map(result)
    }

    private func startedResult() -> Value {
        ["state": .string(state.wire.rawValue), "pid": .int(state.pid ?? 0)]
    }

    private func publish(_ kind: Event.Kind, _ process: ProcessName?, _ pid: UInt32?, _ exit: Exit?) {
        // One that was never out of sight is not told to be back.
        guard kind != .restore || isReattached else { return }
        if kind == .start {
            facts.startedAt = .now
            if !waiters.isEmpty { expectExit() }
        }
        if kind == .exit {
            endOutput()
            stopGrace = nil
            stopDue = nil
        }
        var event = Event(kind, id)
        event.process = process
        event.pid = pid
        event.exit = exit
        event.state = state.wire
        event.labels = facts.labels
        if kind == .exit { event.isUpdatePending = state.isUpdatePending }
        // What is published now comes from the command under way; an exit only from one that asked for the end.
        let cause = kind == .exit || kind == .execExit ? cause : current.map { Cause($0) }
        event.requestID = cause?.requestID
        event.traceparent = cause?.traceparent
        services.events.assumeIsolated { [event] in $0.record(event) }
        if let exit, let process {
            inputs[process] = nil
            tellWaiters(process, exit)
        }
        if kind == .exit { pool.assumeIsolated { $0.tellIfIdle() } }
    }

    /// A driver call has outlived its watchdog, or has come back after that.
    func noteStuck(_ operation: CallKind, _ isStuck: Bool) {
        var event = Event(isStuck ? .stuck : .unstuck, id)
        event.operation = operation.rawValue
        event.state = state.wire
        event.labels = facts.labels
        services.events.assumeIsolated { [event] in $0.record(event) }
        services.logger.warning(
            isStuck ? "a driver call is stuck; the container waits for it" : "a stuck driver call came back",
            metadata: ["container": "\(id)", "operation": "\(operation.rawValue)"])
    }

    /// Answers those who wait for an exit that nobody will publish any more.
    func tellThoseLeftBehind() {
        let gone = Failure(.aborted, "\(id) went away before there was an exit to tell")
        for (process, responder) in waiters {
            if process == .initial, let exit = state.exit {
                responder.succeed(ExitResult(exit))
            } else {
                responder.fail(gone)
            }
        }
        for responder in stoppers {
            if let exit = state.exit { responder.succeed(ExitResult(exit)) } else { responder.fail(gone) }
        }
        waiters = []
        stoppers = []
    }

    /// The worker ends: the line is cleared, and whatever runs is ended by force, past every call that hangs. What has
    /// ended is remembered.
    func end(_ responder: Responder) {
        let reason = Failure(.unavailable, "the worker is stopping; ask again when it has started", retryable: true)
        for command in inbox { command.responder.fail(reason) }
        inbox = []
        isEnding = true
        if state.phase == .created, current == nil {
            inbox = [QueuedCommand(id: id, kind: .delete(force: true), responder: responder)]
        }
        advance()
        if state.phase == .starting || state.phase == .goingDown { terminate() }
        endIfDue()
    }

    /// Ends what runs, where the worker ends: what was only being made or looked for when it was told so, too.
    func endIfDue() {
        guard isEnding, !isRestoring, state.isLive else { return }
        // Once: where even that fails, the stop's own deadline is the end of it.
        isEnding = false
        terminate()
    }

    private func forget() {
        tellThoseLeftBehind()
        endOutput()
        if hasFiles { services.spools?.remove(of: facts) }
        attachments = []
        spools = [:]
        // Commands that came after the delete find whatever has the id by then.
        let rest = Array(inbox)
        inbox.removeAll()
        services.events.assumeIsolated { $0.forget(id) }
        pool.assumeIsolated { $0.forget(id, then: rest) }
    }
}
