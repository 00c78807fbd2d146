import ContainerDriver
import ContainerModel
import ContainerProtocol
import Logging
import MessagePack

/// Finding a container again: after a start of the worker, after its service went away, or when a peer asks for it.
extension Container {
    /// Restores a container of the previous worker.
    /// - Parameters:
    ///   - creation: its specification, until it has been started.
    ///   - responder: answers a peer that repeats the command which was under way.
    func restore(_ saved: SavedContainer, _ creation: QueuedCommand.Creation?, _ responder: Responder?) {
        facts = saved.facts
        state = saved.state
        known = saved.known
        stop = PendingStop(cause: saved.cause, grace: saved.stopGrace, due: saved.stopDue)
        self.creation = creation
        if let command = saved.command {
            lane.begin(QueuedCommand(command, id, creation: creation, responder: responder), at: command.at)
        }
        var ended = state.processes.filter { $0.value.state == .stopped }.map(\.key)
        if facts.startedAt != nil, state.seenExit != nil || state.exit != nil { ended.append(.initial) }
        if saved.lastSpool > 0 || !ended.isEmpty { processOutput.restore(saved, ended: ended) }
        switch state.phase {
        case .stopped:
            state.beginning = nil
            giveUpCommand()
        case .discarding:
            if state.isDiscardedForFailedStart {
                lane.replaceFailure(saved.failure ?? interrupted(retryable: false))
            }
            feed(.found(.gone))
        default:
            link.beginOpening(.known)
            if isUnstarted {
                // Earlier `restore` events are not in the record, and nothing else has happened to this container.
                facts.seq = max(facts.seq, services.outbox.lastNumbered)
            } else {
                open()
            }
        }
        removeIfDue()
        reportStanding()
    }

    /// Whether its record shows it as created and never started, without a command under way. Then it is enough to
    /// check that the host lists it so.
    var isUnstarted: Bool { state.phase == .created && lane.current == nil }

    /// Takes over a compute system of this worker's owner that had no record, and gives it one.
    func adopt(_ command: QueuedCommand?) {
        lane.begin(command, at: services.loop.timestamp)
        link.beginOpening(.unknown)
        state.phase = .running
        open()
        reportStanding()
    }

    /// The container's service went away: its state is unknown until the service is asked again.
    func detach() {
        guard state.phase != .stopped, state.phase != .gone else { return }
        link.lose()
        openIfLost()
    }

    /// The host does not list the container as unstarted: the host is asked for its state.
    func openIfUnstarted() {
        if isUnstarted, !link.isOpening { detach() }
    }

    /// Opens a container again whose service went away, once its state allows that.
    func openIfLost() {
        guard link.isLost, state.isLive || state.phase == .created else { return }
        link.beginOpening(.known)
        open()
    }

    // MARK: Asking

    /// Asks the host for the container, again and again where it does not answer.
    func open(attempt: Int = 0) {
        let generation = link.nextGeneration()
        let (known, processes) = (known, knownProcesses())
        var ended = Set(state.processes.values.filter { $0.state == .stopped }.map(\.pid)).union(state.replaced)
        if state.seenExit != nil, let pid = state.pid { ended.insert(pid) }
        let fresh = processes.compactMap { $0.output as? OutputSpool }.filter { $0.endOffset == 0 }
        let work: Work<OpenedContainer> = { [id, ended] driver throws(DriverFailure) in
            for spool in fresh { spool.load() }
            return try driver.open(id, known, processes, ended: ended)
        }
        limited(.open, if: { [self] in generation == link.generation }, work) { [self] result in
            guard generation == link.generation else { return }
            switch result {
            case .success(let opened): found(opened)
            case .failure(let failure) where failure.code == .notFound || failure.code == .failedPrecondition:
                lost(failure)
            case .failure(let failure): openLater(failure, attempt)
            }
        }
    }

    private func openLater(_ failure: DriverFailure, _ attempt: Int) {
        services.logger.error(
            "the host does not report the state of a container; it is asked again",
            metadata: ["container": "\(id)", "error": "\(failure)"])
        if case .restore = lane.current?.kind, !link.isOpening {
            finish(.failure(Failure(failure)))
            return goOn()
        }
        if link.isAdopting, lane.current != nil {
            // The peer that asked for it gets the reason, and asks again.
            lane.replaceFailure(Failure(failure))
            link.attach()
            state.phase = .creating
            return feed(.createFailed)
        }
        let generation = link.generation
        services.loop.schedule(after: .milliseconds(min(30_000, 250 << min(attempt, 7)))) { [self] in
            if generation == link.generation { open(attempt: attempt + 1) }
        }
    }

    /// What this worker, or the one before it, knows to run, or to have been about to run.
    private func knownProcesses() -> [KnownProcess] {
        var known: [KnownProcess] = []
        switch state.phase {
        case .running, .paused: known.append(knownProcess(.initial, pid: state.pid, at: facts.startedAt))
        case .creating, .starting:
            let hasTerminal = creation?.specification.process?.terminal == true ? true : nil
            known.append(knownProcess(.initial, pid: nil, hasTerminal: hasTerminal, at: lane.begunAt))
        default: break
        }
        for (name, process) in state.processes where process.state == .running {
            known.append(knownProcess(name, pid: process.pid, at: nil))
        }
        // A call that is still under way reports its own result.
        if calls.inLine == nil, let name = state.beginning?.name, case .exec(let exec) = lane.current?.kind {
            let begun = processOutput.resume(name, hasTerminal: exec.process.terminal)
            known.append(
                KnownProcess(
                    name: name, pid: nil, terminal: begun.hasTerminal, startedAt: lane.begunAt, output: begun.spool))
        }
        return known
    }

    private func knownProcess(
        _ name: ProcessName, pid: UInt32?, hasTerminal: Bool? = nil, at time: Timestamp?
    ) -> KnownProcess {
        let (spool, hasTerminal) = processOutput.spoolOfKnown(name, hasTerminal: hasTerminal)
        return KnownProcess(name: name, pid: pid, terminal: hasTerminal, startedAt: time, output: spool)
    }

    // MARK: The host's answer

    /// The host lists the container as created and never started. Its record has that state already, so only the event
    /// is kept.
    func foundUnstarted() {
        apply(.found(.created))
        link.attach()
        services.pool.opened(id)
        carryOn()
    }

    private func found(_ opened: OpenedContainer) {
        facts.isolation = opened.isolation.rawValue
        known.canPause = opened.canPause
        for warning in opened.warnings {
            services.logger.warning(
                "a part of a container could not be had again",
                metadata: ["container": "\(id)", "reason": "\(warning)"])
        }
        inputs.reattach(opened.inputs)
        let initial = opened.processes[.initial] ?? .unknown
        if link.isAdopting {
            if opened.state == .stopped { return lost(DriverFailure(.notFound, "it has ended")) }
            state.pid = initial.pid
            if opened.state == .created || initial == .neverCreated { state.phase = .created }
        }
        let found: ContainerState.Found =
            switch opened.state {
            case .created: .created
            case .paused: .paused(initial)
            // Of one that has ended every process's exit is reported, or has been.
            case .running, .stopped: .running(initial)
            }
        settle(found, opened.processes)
    }

    private func lost(_ failure: DriverFailure) {
        services.logger.warning(
            "a container is gone from its host", metadata: ["container": "\(id)", "error": "\(failure)"])
        if link.isAdopting {
            lane.replaceFailure(.noContainer(id))
            state.phase = .creating
        } else if state.phase == .creating {
            lane.replaceFailure(interrupted(retryable: true))
        }
        settle(.gone, [:])
    }

    /// Applies the host's answer: first the exits that came before it, then what was found, then the command under way.
    private func settle(_ found: ContainerState.Found, _ processes: [ProcessName: FoundProcess]) {
        // A call that is still under way, for example because its service went away, reports its own result.
        let isCalling = calls.isCommandUnderWay
        let wasGoingDown = link.isOpening && state.phase == .goingDown
        for (process, exit) in link.takeExits() { feed(.exited(process, exit)) }
        // If one of these exits has begun the container's end, there is nothing left to reconcile.
        let hasBegunToEnd = state.phase == .goingDown && !wasGoingDown
        let isBeginning = isCalling && [.creating, .starting, .discarding].contains(state.phase)
        if !hasBegunToEnd, !isBeginning {
            if !isCalling { lane.note(interrupted(retryable: false)) }
            feed(.found(found))
            // A call that goes on fails for its own reasons.
            if state.phase != .discarding { lane.replaceFailure(nil) }
        }
        if !isCalling, let name = state.beginning?.name { settleExec(name, processes[name] ?? .unknown) }
        settleCommand(isCalling)
        // Only now may the queue go on: what waits in it was not under way when the worker died.
        link.attach()
        services.pool.opened(id)
        if state.isLive || state.phase == .starting, state.isStopping,
            let grace = stop.graceLeft(at: services.loop.timestamp)
        {
            endGracefully(within: grace)
        }
        if !waiters.isEmpty { expectExit() }
        goOn()
    }

    /// A process was about to be started when the worker died.
    private func settleExec(_ name: ProcessName, _ process: FoundProcess) {
        output?.endResuming(process.pid == nil ? nil : name)
        guard let pid = process.pid else {
            lane.replaceFailure(interrupted(retryable: process == .neverCreated))
            return feed(.execFailed(name))
        }
        feed(.execStarted(name, pid: pid))
    }

    /// What came of the command under way, as far as the container's state shows it.
    private func settleCommand(_ isCalling: Bool) {
        guard let command = lane.current else { return }
        switch command.kind {
        case .restore: finish(.success(standingResult))
        case _ where isCalling: break
        case .pause where state.phase == .paused: finish(.success(standingResult))
        case .resume where state.phase == .running: finish(.success(standingResult))
        case .pause, .resume, .update, .checkpoint: giveUpCommand()
        // These go on by themselves.
        case .create, .start, .exec, .delete: break
        }
    }

    /// Nothing came of the command under way: it may be sent again.
    private func giveUpCommand() {
        guard lane.current != nil else { return }
        finish(.failure(interrupted(retryable: true)))
    }

    private func interrupted(retryable: Bool) -> Failure {
        let advice =
            retryable
            ? "nothing came of it, and it can be sent again"
            : "whether it was carried out cannot be known, and it is not tried again"
        return Failure(
            .aborted, "\(id): the worker died while this command was under way; \(advice)", retryable: retryable)
    }
}
