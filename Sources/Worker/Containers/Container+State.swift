import ContainerModel
import ContainerProtocol
import Logging

/// Inputs of the state machine, and what follows from them.
extension Container {
    /// Gives the state machine an input, carries out its actions, and goes on with the queue.
    func feed(_ input: ContainerState.Input) {
        apply(input)
        goOn()
    }

    /// Gives the state machine an input and carries out its actions.
    func apply(_ input: ContainerState.Input) {
        do throws(ContainerState.Refusal) {
            for action in try state.apply(input) { perform(action) }
        } catch {
            finish(.failure(Failure(error, id, state: state.wire)))
        }
    }

    /// What follows every change.
    func goOn() {
        save()
        carryOn()
    }

    /// What follows a change that its record does not show.
    func carryOn() {
        advance()
        openIfLost()
        endIfDue()
        removeIfDue()
        reportStanding()
    }

    private func perform(_ action: ContainerState.Action) {
        switch action {
        case .drive(let operation): drive(operation)
        case .publish(let kind, let process, let pid, let exit): publish(kind, process, pid, exit)
        case .succeed: succeed()
        case .fail:
            finish(.failure(lane.failure ?? Failure(.aborted, "\(id): the container went away under the command")))
        case .forget: forget()
        }
    }

    // MARK: Events

    private func publish(_ kind: Event.Kind, _ process: ProcessName?, _ pid: UInt32?, _ exit: Exit?) {
        // A container that was never lost sight of is not reported to be back.
        guard kind != .restore || link.isOpening else { return }
        if kind == .start {
            facts.startedAt = services.loop.timestamp
            if !waiters.isEmpty { expectExit() }
        }
        if kind == .exit {
            output?.endAll()
            stop.end()
        }
        var event = Event(kind, id, at: services.loop.timestamp)
        event.process = process
        event.pid = pid
        event.exit = exit
        if kind == .exit { event.isUpdatePending = state.isUpdatePending }
        // An event comes from the command under way; an exit only from a request that asked for the end.
        let cause = kind == .exit || kind == .execExit ? stop.cause : lane.current?.cause
        event.requestID = cause?.requestID
        event.traceparent = cause?.traceparent
        record(event)
        noteLife(kind, pid, exit)
        if let exit, let process {
            inputs.remove(process)
            answerWaiters(process, exit)
        }
    }

    /// A driver call has outlived its watchdog, or has come back after that.
    func publishStuck(_ kind: CallKind, _ isStuck: Bool) {
        var event = Event(isStuck ? .stuck : .unstuck, id, at: services.loop.timestamp)
        event.operation = kind.rawValue
        record(event)
        services.logger.warning(
            isStuck ? "a driver call is stuck; the container waits for it" : "a stuck driver call came back",
            metadata: ["container": "\(id)", "operation": "\(kind.rawValue)"])
    }

    private func record(_ event: Event) {
        var event = event
        event.state = state.wire
        event.labels = facts.labels
        facts.seq = services.outbox.record(event)
    }

    // MARK: The end

    /// The worker ends: the queue is cleared, and whatever runs is ended by force, past every call that hangs. What has
    /// ended is remembered.
    func end() {
        let reason = Failure(.unavailable, "the worker is stopping; ask again when it has started", retryable: true)
        for command in lane.removeAll() { command.responder?.fail(reason) }
        stop.endsWithWorker = true
        if state.phase == .created, lane.current == nil {
            _ = lane.append(QueuedCommand(id: id, kind: .delete(force: true)), limit: 1)
        }
        advance()
        if state.phase == .starting || state.phase == .goingDown { terminate() }
        endIfDue()
    }

    /// Ends what runs, where the worker ends: what was only being made or looked for when the worker was stopped, too.
    private func endIfDue() {
        guard stop.endsWithWorker, !link.isOpening, state.isLive else { return }
        // Once: where even that fails, the worker's own deadline is the end of it.
        stop.endsWithWorker = false
        terminate()
    }

    private func forget() {
        failRemainingWaiters()
        refuseWaitingCalls()
        output?.removeAll()
        output = nil
        services.outbox.forget(id)
        // Commands that came after the delete find whatever container has the id by then.
        services.pool.forget(id, facts.isAutoRemoved ? state.exit : nil, then: lane.removeAll())
    }
}
