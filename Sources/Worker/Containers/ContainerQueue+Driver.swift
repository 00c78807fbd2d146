import ContainerDriver
import ContainerProtocol

/// The driver calls that the state machine asks for.
extension ContainerQueue {
    func drive(_ operation: ContainerState.Operation) {
        switch operation {
        case .create: driveCreate()
        case .start: driveStart()
        case .exec(let name): driveExec(name)
        case .pause:
            inLine(.pause, { [id] driver throws(DriverFailure) in try driver.pause(id) }) { queue, result in
                queue.came(result.map { .paused }, or: .operationFailed)
            }
        case .resume:
            inLine(.resume, { [id] driver throws(DriverFailure) in try driver.resume(id) }) { queue, result in
                queue.came(result.map { .resumed }, or: .operationFailed)
            }
        case .update: driveUpdate()
        case .shutDown:
            mustShutDown = true
            shutDownWhenFree()
        case .terminate: terminate()
        case .discard: driveDiscard()
        }
    }

    private func driveCreate() {
        guard let specification = creation?.specification else { return }
        admitted(.create, { [id] driver throws(DriverFailure) in try driver.create(id, specification) }) {
            queue, result in
            if case .success(let created) = result {
                queue.facts.isolation = created.isolation.rawValue
                queue.facts.ignored += created.ignored
                // What the specification calls layer folders are the parents and, last, the container's own.
                queue.facts.imageLayers = specification.windows?.layerFolders.dropLast() ?? []
                queue.warnings = created.warnings
                queue.canPause = created.canPause
                // From here on only the first process is of interest, and that only until it runs.
                queue.creation?.specification.windows = nil
                queue.creation?.specification.mounts = []
                queue.creation?.forgetAllButProcess()
            }
            queue.came(result.map { _ in .created }, or: .createFailed)
        }
    }

    private func driveStart() {
        let failed = Exit.unknown(reason: .startFailed, at: .now, observedBy: .worker)
        guard let creation, let process = creation.specification.process else {
            failure = .invalidArgument("spec.process is missing: give it args, the program and its arguments")
            return feed(.startFailed(failed))
        }
        lastSpool += 1
        let spool = makeSpool(.initial, lastSpool, hasTerminal: process.terminal)
        takeOver(.initial, spool, lastSpool, hasTerminal: process.terminal)
        let stdin = creation.stdin
        let isAnnounced = if case .create = current?.kind { true } else { false }
        admitted(
            .start, isAnnounced: isAnnounced,
            { [id] driver throws(DriverFailure) in try driver.start(id, process, stdin: stdin, output: spool) }
        ) { queue, result in
            queue.creation = nil
            if case .success(let started) = result { queue.inputs[.initial] = started.input }
            queue.came(result.map { .started(pid: $0.pid) }, or: .startFailed(failed))
            // A stop that came while the container was being started is due when it runs.
            queue.signalGracefully()
        }
    }

    private func driveExec(_ name: ProcessName) {
        guard case .exec(let exec) = current?.kind else { return }
        lastSpool += 1
        let (number, hasTerminal) = (lastSpool, exec.process.terminal)
        let spool = makeSpool(name, number, hasTerminal: hasTerminal)
        inLine(
            .exec,
            { [id] driver throws(DriverFailure) in
                try driver.startProcess(id, name, exec.process, stdin: exec.stdin, output: spool)
            }
        ) { queue, result in
            // The output of an earlier process of that name is given up for one that runs, and not before.
            if case .success(let started) = result {
                queue.takeOver(name, spool, number, hasTerminal: hasTerminal)
                queue.inputs[name] = started.input
            }
            queue.came(result.map { .execStarted(name, pid: $0.pid) }, or: .execFailed(name))
            queue.forgetOldOutput()
        }
    }

    private func driveUpdate() {
        guard case .update(let resources, let ignored) = current?.kind else { return }
        inLine(.update, { [id] driver throws(DriverFailure) in try driver.update(id, resources) }) { queue, result in
            if case .success(let updated) = result {
                queue.updated = UpdatedResources(applied: updated.applied, ignored: updated.ignored + ignored)
            }
            queue.came(result.map { _ in .updated }, or: .operationFailed)
        }
    }

    /// How often what a failed start left is discarded before it is given up for now.
    private static let discardAttempts = 8

    private func driveDiscard(attempt: Int = 0) {
        inLine(.discard, urgency: .urgent, { [id] driver throws(DriverFailure) in try driver.discard(id) }) {
            queue, result in
            if case .failure(let failure) = result, failure.retryable, queue.state.isDiscardedForFailedStart,
                attempt < ContainerQueue.discardAttempts
            {
                // As where the service went away under it: whoever wanted the container is to find its id free again.
                queue.services.loop.schedule(after: .milliseconds(250 << attempt)) { [weak queue] in
                    queue?.assumeIsolated { $0.driveDiscard(attempt: attempt + 1) }
                }
                return
            }
            queue.came(result.map { .discarded }, or: .discardFailed)
            if case .failure = result { queue.tellThoseLeftBehind() }
        }
    }

    /// Takes the compute system down, but never beside another call of the same container, unless that one is stuck.
    func shutDownWhenFree() {
        guard mustShutDown, calls.inLine == nil else { return }
        mustShutDown = false
        inLine(.shutdown, { [id] driver throws(DriverFailure) in try driver.shutDown(id) }) { queue, result in
            switch result {
            case .success(let shutDown): queue.feed(.wentDown(updatePending: shutDown.updatePending))
            case .failure(let failure):
                // The first process has ended all the same, and its exit may not be held back; what is left of the
                // compute system goes when the container is deleted.
                queue.services.logger.error(
                    "a compute system did not go down", metadata: ["container": "\(queue.id)", "error": "\(failure)"])
                queue.feed(.wentDown(updatePending: false))
            }
        }
    }

    /// Ends the compute system by force. Beside any other call, and one at a time.
    func terminate() {
        guard !isTerminating else { return }
        isTerminating = true
        save()
        // What is to end ends, whether or not there is room to note it: nobody may need a disk to stop a container.
        call(calls.next(), .terminate, .urgent, { [id] driver throws(DriverFailure) in try driver.terminate(id) }) {
            queue, result in
            queue.isTerminating = false
            guard case .failure(let failure) = result, queue.state.isLive || queue.state.phase == .starting else {
                return
            }
            queue.failure = Failure(failure)
            for responder in queue.stoppers { responder.fail(Failure(failure)) }
            queue.stoppers = []
            queue.feed(.terminateFailed)
        }
    }

    // MARK: How calls are made

    /// A failure as it is told. Where a process may have begun to run all the same, nobody is to be led to start it again.
    private func told(_ failure: DriverFailure, _ input: ContainerState.Input) -> Failure {
        var told = Failure(failure)
        switch input {
        case .createFailed, .startFailed, .execFailed: break
        default: return told
        }
        if told.retryable, failure.code == .unavailable || failure.code == .deadlineExceeded {
            told.code = .aborted
            told.retryable = false
            told.message += "; it may have been carried out all the same, so look before you send it again"
        }
        return told
    }

    /// What a call of the command under way came to.
    func came(_ result: Result<ContainerState.Input, DriverFailure>, or failed: ContainerState.Input) {
        switch result {
        case .success(let input): feed(input)
        case .failure(let failure):
            // A failed start stays the reason, whatever its clearing up comes to.
            self.failure = self.failure ?? told(failure, failed)
            feed(failed)
        }
    }

    /// Makes a call that is in line with the container's others, when its intent is kept.
    private func inLine<Success: Sendable>(
        _ kind: CallKind, urgency: DriverCalls.Urgency = .ordinary,
        _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (isolated ContainerQueue, Result<Success, DriverFailure>) -> Void
    ) {
        announced(calls.nextInLine()) { queue, number in
            let made = queue.call(number, kind, urgency, work) { queue, result in
                queue.calls.leaveLine(number)
                then(queue, result)
                queue.shutDownWhenFree()
            }
            queue.calls.begin = .call(made)
        }
    }

    /// Makes a call that is in line with the container's others, when its intent is kept and the host has room for one
    /// more creation.
    ///
    /// - Parameter isAnnounced: whether what is kept already says that this call will be made.
    private func admitted<Success: Sendable>(
        _ kind: CallKind, isAnnounced: Bool = false,
        _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (isolated ContainerQueue, Result<Success, DriverFailure>) -> Void
    ) {
        let number = calls.nextInLine()
        guard !isAnnounced else { return enterLimit(number, kind, work, then: then) }
        announced(number) { queue, number in queue.enterLimit(number, kind, work, then: then) }
    }

    private func enterLimit<Success: Sendable>(
        _ number: UInt64, _ kind: CallKind,
        _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (isolated ContainerQueue, Result<Success, DriverFailure>) -> Void
    ) {
        let creations = services.creations
        let place = creations.assumeIsolated { limit in
            limit.enter { [self] in
                assumeIsolated { queue in
                    let made = queue.call(number, kind, .ordinary, work) { queue, result in
                        queue.calls.leaveLine(number)
                        if queue.calls.holdsPlace(number) { creations.assumeIsolated { $0.leave() } }
                        then(queue, result)
                        queue.shutDownWhenFree()
                    }
                    queue.calls.begin = .call(made)
                }
            }
        }
        if let place { calls.begin = .admission(place) }
    }

    /// Lets call `number` in line begin when the record that announces it is kept: a worker that dies meanwhile leaves a
    /// note of what it was about to do, and the next one asks the host what came of it.
    private func announced(
        _ number: UInt64, _ begin: @escaping @Sendable (isolated ContainerQueue, UInt64) -> Void
    ) {
        calls.begin = .intent
        save()
        services.events.assumeIsolated { events in
            events.whenPublished { [self] in
                assumeIsolated { queue in
                    // It may have been taken back.
                    guard queue.calls.inLine == number else { return }
                    queue.services.crash(.intent)
                    begin(queue, number)
                }
            }
        }
    }

    /// Makes a call, whatever else is under way.
    @discardableResult
    func call<Success: Sendable>(
        _ number: UInt64, _ kind: CallKind, _ urgency: DriverCalls.Urgency,
        _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (isolated ContainerQueue, Result<Success, DriverFailure>) -> Void
    ) -> DriverCall {
        let (driver, services) = (services.driver, services)
        return services.calls.make(urgency: urgency) { () throws(DriverFailure) in
            let result = try work(driver)
            services.crash(.call)
            return result
        } stuck: { [self] isStuck in
            assumeIsolated { $0.stuckChanged(number, kind, isStuck) }
        } then: { [self] result in
            assumeIsolated { then($0, result) }
            services.crash(.settle)
        }
    }

    private func stuckChanged(_ number: UInt64, _ kind: CallKind, _ isStuck: Bool) {
        calls.note(number, kind, isStuck: isStuck)
        noteStuck(kind, isStuck)
        guard isStuck else { return }
        if kind.isCreation {
            // The others may create on; this one's call keeps its thread only.
            services.creations.assumeIsolated { $0.leave() }
        } else if kind == .shutdown {
            // The first process has ended, and nobody is to wait for a service that hangs to be told so.
            calls.leaveLine(number)
            terminate()
            feed(.wentDown(updatePending: false))
        } else {
            calls.leaveLine(number)
            shutDownWhenFree()
        }
    }

    /// Takes the command under way back, where its call has not begun.
    /// - Returns: false where it has.
    func takeBack() -> Bool {
        // Then the call in line is the container's own going down, and nobody's to take back.
        guard state.phase != .goingDown else { return false }
        switch calls.begin {
        case .call(let call)?:
            // It then comes back as failed, as any other.
            return call.takeBack()
        case .admission(let place)?:
            guard services.creations.assumeIsolated({ $0.leaveLine(place) }) else { return false }
            return giveUpCall()
        case .intent?: return giveUpCall()
        case nil: return false
        }
    }

    /// The call in line has not begun, and will not.
    private func giveUpCall() -> Bool {
        guard let number = calls.inLine, var failed = state.failureOfCall else { return false }
        if case .start = current?.kind, state.phase == .starting { failed = .startGivenUp }
        calls.leaveLine(number)
        failure = Failure(.deadlineExceeded, "the deadline passed before the call was begun")
        feed(failed)
        return true
    }
}
