import ContainerDriver
import ContainerProtocol
import Logging
import MessagePack

/// Finding a container again: after a start of the worker, after its service went away, or when someone asks for it.
extension ContainerQueue {
    /// Takes up what a worker before this one left.
    /// - Parameter responder: makes the way back to whoever asks again for the command that was under way.
    func takeUp(_ saved: SavedContainer, _ responder: @Sendable (RequestKey?) -> Responder) {
        facts = saved.facts
        state = saved.state
        canPause = saved.canPause
        terminals = saved.terminals
        spoolNumbers = saved.spoolNumbers
        lastSpool = saved.lastSpool
        stopGrace = saved.stopGrace
        stopDue = saved.stopDue
        cause = saved.cause
        if let creation = saved.creation,
            let specification = try? OCISpecification.read(creation.source).specification
        {
            self.creation = QueuedCommand.Creation(
                specification: specification, source: creation.source, ignored: facts.ignored, labels: facts.labels,
                start: creation.start, stdin: creation.stdin)
        }
        if let command = saved.command {
            begun = command.at
            current = QueuedCommand(command, id, creation: creation, responder: responder(command.request))
        }
        if facts.startedAt != nil, state.seenExit != nil || state.exit != nil { kept.insert(.initial) }
        for (name, process) in state.processes where process.state == .stopped { kept.insert(name) }
        switch state.phase {
        case .stopped:
            state.beginning = nil
            giveUpCommand()
        case .discarding:
            if state.isDiscardedForFailedStart { failure = saved.failure ?? interrupted(retryable: false) }
            feed(.found(.gone))
        default:
            isRestoring = true
            reopen()
        }
    }

    /// A compute system of this worker's own of which there was no record: it gets one.
    func adopt(_ command: QueuedCommand?) {
        current = command
        isRestoring = true
        isAdopting = true
        state.phase = .running
        reopen()
    }

    /// The service that had the container went away: nothing is known until it is asked again.
    func detach() {
        guard state.phase != .stopped, state.phase != .gone else { return }
        mustReopen = true
        reopenIfNeeded()
    }

    /// Asks for a container again whose service went away, as soon as it is known what there is to ask for.
    func reopenIfNeeded() {
        guard mustReopen, !isRestoring, state.isLive || state.phase == .created else { return }
        mustReopen = false
        isRestoring = true
        reopen()
    }

    /// Asks the host for the container, again and again where it does not answer.
    func reopen(attempt: Int = 0) {
        reopening += 1
        let number = reopening
        let known = knownProcesses()
        var ended = Set(state.processes.values.filter { $0.state == .stopped }.map(\.pid)).union(state.replaced)
        if state.seenExit != nil, let pid = state.pid { ended.insert(pid) }
        let fresh = known.compactMap { $0.output as? OutputSpool }.filter { $0.endOffset == 0 }
        call(
            calls.next(), .open, .ordinary,
            { [id, ended] driver throws(DriverFailure) in
                for spool in fresh { spool.load() }
                return try driver.open(id, known, ended: ended)
            }
        ) { queue, result in
            guard number == queue.reopening else { return }
            switch result {
            case .success(let opened): queue.found(opened)
            case .failure(let failure) where failure.code == .notFound || failure.code == .failedPrecondition:
                queue.lost(failure)
            case .failure(let failure): queue.askAgain(failure, attempt)
            }
        }
    }

    private func askAgain(_ failure: DriverFailure, _ attempt: Int) {
        services.logger.error(
            "the host cannot say what became of a container; it is asked again",
            metadata: ["container": "\(id)", "error": "\(failure)"])
        if case .restore = current?.kind, !isRestoring { return finish(.failure(Failure(failure))) }
        if isAdopting, current != nil {
            // Whoever asked for it hears that it cannot be had now, and asks again.
            self.failure = Failure(failure)
            (isAdopting, isRestoring) = (false, false)
            state.phase = .creating
            return feed(.createFailed)
        }
        let number = reopening
        services.loop.schedule(after: .milliseconds(min(30_000, 250 << min(attempt, 7)))) { [weak self] in
            self?.assumeIsolated { queue in
                if number == queue.reopening { queue.reopen(attempt: attempt + 1) }
            }
        }
    }

    /// What this worker, or the one before it, knows to run, or to have been about to run.
    private func knownProcesses() -> [KnownProcess] {
        var known: [KnownProcess] = []
        let began = begun == .epoch ? nil : begun
        switch state.phase {
        case .running, .paused: known.append(knownProcess(.initial, pid: state.pid, at: facts.startedAt))
        case .creating, .starting:
            if creation?.specification.process?.terminal == true { terminals.insert(.initial) }
            known.append(knownProcess(.initial, pid: nil, at: began))
        default: break
        }
        for (name, process) in state.processes where process.state == .running {
            known.append(knownProcess(name, pid: process.pid, at: nil))
        }
        // A call that is still being made says itself what came of it.
        if calls.inLine == nil, let name = state.beginning?.name, case .exec(let exec) = current?.kind {
            let hasTerminal = exec.process.terminal
            let spool = beginningSpool ?? makeSpool(name, lastSpool, hasTerminal: hasTerminal)
            beginningSpool = spool
            known.append(
                KnownProcess(name: name, pid: nil, terminal: hasTerminal, startedAt: began, output: spool))
        }
        return known
    }

    private func knownProcess(_ name: ProcessName, pid: UInt32?, at time: Timestamp?) -> KnownProcess {
        let hasTerminal = terminals.contains(name)
        // The first process is the first that was started, whether or not there was time to note it.
        if name == .initial { lastSpool = max(lastSpool, 1) }
        let number = spoolNumbers[name] ?? 1
        let spool = spools[name] ?? makeSpool(name, number, hasTerminal: hasTerminal)
        spools[name] = spool
        spoolNumbers[name] = number
        return KnownProcess(name: name, pid: pid, terminal: hasTerminal, startedAt: time, output: spool)
    }

    // MARK: What the host says

    private func found(_ opened: OpenedContainer) {
        facts.isolation = opened.isolation.rawValue
        canPause = opened.canPause
        inputs = opened.inputs
        let initial = opened.processes[.initial] ?? .unknown
        if isAdopting {
            if opened.state == .stopped { return lost(DriverFailure(.notFound, "it has ended")) }
            state.pid = initial.pid
            if opened.state == .created || initial == .neverCreated { state.phase = .created }
        }
        let found: ContainerState.Found =
            switch opened.state {
            case .created: .created
            case .paused: .paused(initial)
            // Of one that has ended every process's exit is told, or has been.
            case .running, .stopped: .running(initial)
            }
        settle(found, opened.processes)
    }

    private func lost(_ failure: DriverFailure) {
        services.logger.warning(
            "a container is gone from its host", metadata: ["container": "\(id)", "error": "\(failure)"])
        if isAdopting {
            self.failure = .noContainer(id)
            state.phase = .creating
        } else if state.phase == .creating {
            self.failure = interrupted(retryable: true)
        }
        settle(.gone, [:])
    }

    private func settle(_ found: ContainerState.Found, _ processes: [ProcessName: FoundProcess]) {
        isReattached = isRestoring
        isAdopting = false
        // A call that is still being made, as where the service went away under it, says itself what came of it.
        let kinds: [CallKind] = [.exec, .pause, .resume, .update]
        let isCalling = calls.inLine != nil || calls.stuck.values.contains(where: kinds.contains)
        let early = exitsWhileRestoring
        exitsWhileRestoring = []
        // One that has not been out of sight goes down as it is.
        let wasGoingDown = isReattached && state.phase == .goingDown
        for (process, exit) in early { feed(.exited(process, exit)) }
        // Where one of these exits has begun its end, that is all there is to do.
        let isBeginning = isCalling && [.creating, .starting, .discarding].contains(state.phase)
        if state.phase != .goingDown || wasGoingDown, !isBeginning {
            if failure == nil, !isCalling { failure = interrupted(retryable: false) }
            feed(.found(found))
            // A call that goes on fails for its own reasons.
            if state.phase != .discarding { failure = nil }
        }
        if !isCalling, let name = state.beginning?.name {
            settleExec(name, processes[name] ?? .unknown)
        }
        settleCommand(isCalling)
        // Only now may the line go on: what stands in it was not under way when the worker died.
        isReattached = false
        isRestoring = false
        pool.assumeIsolated { $0.restored(id) }
        if state.isLive || state.phase == .starting, state.isStopping, let grace = graceLeft {
            endGracefully(within: grace)
        }
        if !waiters.isEmpty { expectExit() }
        save()
        advance()
        reopenIfNeeded()
        endIfDue()
    }

    /// A process was about to be started when the worker died.
    private func settleExec(_ name: ProcessName, _ process: FoundProcess) {
        defer { beginningSpool = nil }
        guard let pid = process.pid else {
            failure = interrupted(retryable: process == .neverCreated)
            return feed(.execFailed(name))
        }
        if let beginningSpool, case .exec(let exec) = current?.kind {
            takeOver(name, beginningSpool, lastSpool, hasTerminal: exec.process.terminal)
        }
        feed(.execStarted(name, pid: pid))
    }

    /// What is left of the grace of a stop: never more than all of it, whatever the clock has done.
    private var graceLeft: Duration? {
        guard let stopGrace, let stopDue else { return stopGrace }
        let now = Timestamp.now
        let (seconds, isOver) = stopDue.seconds.subtractingReportingOverflow(now.seconds)
        guard !isOver else { return stopGrace }
        let left = Duration.seconds(seconds) + .nanoseconds(Int64(stopDue.nanoseconds) - Int64(now.nanoseconds))
        return min(stopGrace, max(.zero, left))
    }

    /// What came of a command that was under way, as far as the container's state shows it.
    private func settleCommand(_ isCalling: Bool) {
        guard let command = current else { return }
        switch command.kind {
        case .restore: finish(.success(standing))
        case _ where isCalling: break
        case .pause where state.phase == .paused: finish(.success(standing))
        case .resume where state.phase == .running: finish(.success(standing))
        case .pause, .resume, .update, .checkpoint: giveUpCommand()
        // These go on by themselves.
        case .create, .start, .exec, .delete: break
        }
    }

    /// Nothing came of a command: it may be sent again.
    private func giveUpCommand() {
        guard current != nil else { return }
        finish(.failure(interrupted(retryable: true)))
    }

    private func interrupted(retryable: Bool) -> Failure {
        let advice =
            retryable
            ? "nothing came of it, and it can be sent again"
            : "whether it was carried out nobody can say, and it is not tried again"
        return Failure(
            .aborted, "\(id): the worker died while this command was under way; \(advice)", retryable: retryable)
    }
}

extension QueuedCommand {
    /// A command that was under way when the worker died; nil where it was none that matters any more.
    init?(_ saved: SavedContainer.Command, _ id: ContainerID, creation: Creation?, responder: Responder) {
        switch saved.method {
        case "create":
            // Where its start has failed, what was to be started is not kept any more.
            let nothing = Creation(
                specification: OCISpecification(), source: [:], ignored: [], labels: [:], start: false, stdin: false)
            kind = .create(creation ?? nothing)
        case "start": kind = .start
        case "exec":
            guard let name = saved.process else { return nil }
            var process = OCIProcess()
            process.terminal = saved.terminal
            kind = .exec(Exec(name: name, process: process, stdin: false, ignored: saved.ignored))
        case "pause": kind = .pause
        case "resume": kind = .resume
        case "restore": kind = .restore
        case "update":
            // What was to be changed is not kept: whoever asks again says it again.
            guard let resources = try? OCIResources.read([:]).resources else { return nil }
            kind = .update(resources, ignored: [])
        case "delete": kind = .delete(force: saved.force)
        default: return nil
        }
        self.id = id
        self.responder = responder
        request = saved.request
        requestID = saved.requestID
        traceparent = saved.traceparent
    }
}

extension SavedContainer.Command {
    init(_ command: QueuedCommand, at time: Timestamp) {
        self.init(method: command.kind.name, at: time)
        request = command.request
        requestID = command.requestID
        traceparent = command.traceparent
        switch command.kind {
        case .exec(let exec):
            process = exec.name
            terminal = exec.process.terminal
            ignored = exec.ignored
        case .delete(let isForced): force = isForced
        default: break
        }
    }
}
