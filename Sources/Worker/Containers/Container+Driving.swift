import ContainerDriver
import ContainerModel
import ContainerProtocol
import Logging

/// The driver calls that the state machine asks for.
extension Container {
    func drive(_ operation: ContainerState.Operation) {
        switch operation {
        case .create: driveCreate()
        case .start: driveStart()
        case .exec(let name): driveExec(name)
        case .pause:
            inLine(.pause, { [id] driver throws(DriverFailure) in try driver.pause(id) }) { [self] result in
                completed(result.map { .paused }, or: .operationFailed)
            }
        case .resume:
            inLine(.resume, { [id] driver throws(DriverFailure) in try driver.resume(id) }) { [self] result in
                completed(result.map { .resumed }, or: .operationFailed)
            }
        case .update: driveUpdate()
        case .shutDown:
            calls.isShutDownDue = true
            shutDownWhenFree()
        case .terminate: terminate()
        case .discard: driveDiscard()
        }
    }

    private func driveCreate() {
        guard let creation else { return }
        let specification = creation.specification
        let logger = services.logger
        let work: Work<CreatedContainer> = { [id] driver throws(DriverFailure) in
            if logger.logLevel == .trace, let plan = try? driver.plan(id, specification) {
                logger.trace(
                    "a container is created from this document",
                    metadata: ["container": "\(id)", "document": "\(plan.loggable)"])
            }
            return try driver.create(id, specification)
        }
        admitted(.create, work) { [self] result in
            if case .success(let created) = result {
                facts.isolation = created.isolation.rawValue
                facts.ignored += created.ignored
                // What the specification calls layer folders are the parents and, last, the container's own.
                facts.imageLayers = specification.windows?.layerFolders.dropLast() ?? []
                outcome.warnings = created.warnings
                if !created.warnings.isEmpty { describe(creation, warnings: created.warnings) }
                known.canPause = created.canPause
                self.creation = creation.onlyProcess()
            }
            completed(result.map { _ in .created }, or: .createFailed)
        }
    }

    private func driveStart() {
        let failed = Exit.unknown(reason: .startFailed, at: services.loop.timestamp, observedBy: .worker)
        guard let creation, let process = creation.specification.process else {
            lane.replaceFailure(
                .invalidArgument("spec.process is missing: give it args, the program and its arguments"))
            return feed(.startFailed(failed))
        }
        let begun = processOutput.begin(
            .initial, hasTerminal: process.terminal, isReserved: creation.lossless)
        processOutput.adopt(.initial, begun)
        let (stdin, spool) = (creation.stdin, begun.spool)
        // The record that announced a create announced its start too.
        let isAnnounced = if case .create = lane.current?.kind { true } else { false }
        admitted(
            .start, isAnnounced: isAnnounced,
            { [id] driver throws(DriverFailure) in try driver.start(id, process, stdin: stdin, output: spool) }
        ) { [self] result in
            self.creation = nil
            if case .success(let started) = result { inputs.add(.initial, started.input) }
            completed(result.map { .started(pid: $0.pid) }, or: .startFailed(failed))
            // A stop that came while the container was being started is due when it runs.
            signalGracefully()
        }
    }

    private func driveExec(_ name: ProcessName) {
        guard case .exec(let exec) = lane.current?.kind else { return }
        let begun = processOutput.begin(
            name, hasTerminal: exec.process.terminal, isReserved: exec.lossless)
        let spool = begun.spool
        inLine(
            .exec,
            { [id] driver throws(DriverFailure) in
                try driver.startProcess(id, name, exec.process, stdin: exec.stdin, output: spool)
            }
        ) { [self] result in
            // The output of an earlier process of that name is given up for one that runs, and not before.
            if case .success(let started) = result {
                facts.lostHolds.remove(name)
                processOutput.adopt(name, begun)
                inputs.add(name, started.input)
                outcome.ignored = started.ignored
            }
            completed(result.map { .execStarted(name, pid: $0.pid) }, or: .execFailed(name))
            // It may have ended by now, or come too late.
            if state.processes[name]?.state != .running { inputs.remove(name) }
            output?.forgetOld(state.processes)
        }
    }

    private func driveUpdate() {
        guard case .update(let resources, let ignored) = lane.current?.kind else { return }
        inLine(.update, { [id] driver throws(DriverFailure) in try driver.update(id, resources) }) { [self] result in
            if case .success(let updated) = result {
                outcome.applied = updated.applied
                outcome.ignored = updated.ignored + ignored
                outcome.warnings = updated.warnings
            }
            completed(result.map { _ in .updated }, or: .operationFailed)
        }
    }

    /// How often what a failed start left is discarded before it is given up for now.
    private static let discardAttempts = 8

    private func driveDiscard(attempt: Int = 0) {
        inLine(.discard, urgency: .urgent, { [id] driver throws(DriverFailure) in try driver.discard(id) }) {
            [self] result in
            if case .failure(let failure) = result, failure.retryable, state.isDiscardedForFailedStart,
                attempt < Container.discardAttempts
            {
                // As where the service went away under it: the peer that wanted the container is to find its id free
                // again.
                services.loop.schedule(after: .milliseconds(250 << attempt)) { [self] in
                    driveDiscard(attempt: attempt + 1)
                }
                return
            }
            completed(result.map { .discarded }, or: .discardFailed)
            if case .failure = result { failRemainingWaiters() }
        }
    }

    /// Takes the compute system down, but never beside another call of the same container, unless that one is stuck.
    func shutDownWhenFree() {
        guard calls.isShutDownDue, calls.inLine == nil else { return }
        calls.isShutDownDue = false
        inLine(.shutdown, { [id] driver throws(DriverFailure) in try driver.shutDown(id) }) { [self] result in
            switch result {
            case .success(let shutDown): feed(.wentDown(updatePending: shutDown.updatePending))
            case .failure(let failure):
                // The first process has ended all the same, and its exit may not be held back; what is left of the
                // compute system goes when the container is deleted.
                services.logger.error(
                    "a compute system did not go down", metadata: ["container": "\(id)", "error": "\(failure)"])
                feed(.wentDown(updatePending: false))
            }
        }
    }

    /// Ends the compute system by force. Beside any other call, and one at a time.
    func terminate() {
        guard calls.singles.insert(.termination).inserted else { return }
        save()
        // Terminate even if the journal cannot be written: nothing may need a disk to stop a container.
        call(.terminate, .urgent, { [id] driver throws(DriverFailure) in try driver.terminate(id) }) { [self] result in
            calls.singles.remove(.termination)
            guard case .failure(let failure) = result, state.isLive || state.phase == .starting else { return }
            lane.replaceFailure(Failure(failure))
            for responder in stop.takeWaiting() { responder.fail(Failure(failure)) }
            feed(.terminateFailed)
        }
    }

    /// What a call of the command under way came to.
    func completed(_ result: Result<ContainerState.Input, DriverFailure>, or failed: ContainerState.Input) {
        switch result {
        case .success(let input): feed(input)
        case .failure(let failure):
            // The failed start stays the reason, whether or not the clean-up succeeds.
            lane.note(Failure(failure, of: failed))
            feed(failed)
        }
    }
}

extension Failure {
    /// Maps a driver's failure to the reply. Where a process may be running all the same, the failure is not retryable.
    fileprivate init(_ failure: DriverFailure, of input: ContainerState.Input) {
        self.init(failure)
        switch input {
        case .createFailed, .startFailed, .execFailed: break
        default: return
        }
        guard retryable, failure.code == .unavailable || failure.code == .deadlineExceeded else { return }
        code = .aborted
        retryable = false
        message += "; it may have been carried out all the same, so look before you send it again"
    }
}
