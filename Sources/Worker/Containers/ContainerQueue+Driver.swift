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
            drive("pause", { [id] driver throws(DriverFailure) in try driver.pause(id) }) { queue, result in
                queue.came(result.map { .paused }, or: .operationFailed)
            }
        case .resume:
            drive("resume", { [id] driver throws(DriverFailure) in try driver.resume(id) }) { queue, result in
                queue.came(result.map { .resumed }, or: .operationFailed)
            }
        case .update: driveUpdate()
        case .shutDown:
            mustShutDown = true
            shutDownWhenFree()
        case .terminate: terminate()
        case .discard:
            drive("discard", { [id] driver throws(DriverFailure) in try driver.discard(id) }) { queue, result in
                queue.came(result.map { .discarded }, or: .discardFailed)
            }
        }
    }

    private func driveCreate() {
        guard let specification = creation?.specification else { return }
        admitted("create", { [id] driver throws(DriverFailure) in try driver.create(id, specification) }) {
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
            }
            queue.came(result.map { _ in .created }, or: .createFailed)
        }
    }

    private func driveStart() {
        guard let creation, let process = creation.specification.process else {
            failure = .invalidArgument("spec.process is missing: give it args, the program and its arguments")
            feed(.startFailed(.unknown(reason: .startFailed, at: .now, observedBy: .worker)))
            return
        }
        let spool = makeSpool(.initial, process)
        let stdin = creation.stdin
        admitted(
            "start",
            { [id] driver throws(DriverFailure) in try driver.start(id, process, stdin: stdin, output: spool) }
        ) { queue, result in
            queue.creation = nil
            queue.came(
                result.map { .started(pid: $0) },
                or: .startFailed(.unknown(reason: .startFailed, at: .now, observedBy: .worker)))
        }
    }

    private func driveExec(_ name: ProcessName) {
        guard case .exec(_, let process, let stdin) = current?.kind else { return }
        let spool = makeSpool(name, process)
        drive(
            "exec",
            { [id] driver throws(DriverFailure) in
                try driver.startProcess(id, name, process, stdin: stdin, output: spool)
            }
        ) { queue, result in
            queue.came(result.map { .execStarted(name, pid: $0) }, or: .execFailed(name))
            queue.dropUnusedSpools()
        }
    }

    private func driveUpdate() {
        guard case .update(let resources, let ignored) = current?.kind else { return }
        drive("update", { [id] driver throws(DriverFailure) in try driver.update(id, resources) }) { queue, result in
            if case .success(let updated) = result {
                queue.updated = UpdatedResources(applied: updated.applied, ignored: updated.ignored + ignored)
            }
            queue.came(result.map { _ in .updated }, or: .operationFailed)
        }
    }

    /// Takes the compute system down, but never beside another call of the same container, unless that one is stuck.
    func shutDownWhenFree() {
        guard mustShutDown, !isCalling else { return }
        mustShutDown = false
        drive("shutdown", { [id] driver throws(DriverFailure) in try driver.shutDown(id) }) { queue, result in
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

    /// Ends the compute system by force. Beside any other call.
    func terminate() {
        call("terminate", { [id] driver throws(DriverFailure) in try driver.terminate(id) }) { queue, result in
            guard case .failure(let failure) = result, queue.state.isLive else { return }
            queue.failure = Failure(failure)
            for responder in queue.stoppers { responder.fail(Failure(failure)) }
            queue.stoppers = []
            queue.feed(.terminateFailed)
        }
    }

    // MARK: How calls are made

    /// What a call of the command under way came to.
    private func came(_ result: Result<ContainerState.Input, DriverFailure>, or failed: ContainerState.Input) {
        switch result {
        case .success(let input): feed(input)
        case .failure(let failure):
            self.failure = Failure(failure)
            feed(failed)
        }
    }

    /// Makes a call that is in line with the container's others.
    private func drive<Success: Sendable>(
        _ operation: String, _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (isolated ContainerQueue, Result<Success, DriverFailure>) -> Void
    ) {
        isCalling = true
        call(operation, work) { queue, result in
            queue.isCalling = false
            then(queue, result)
            queue.shutDownWhenFree()
        }
    }

    /// Makes a call that is in line with the container's others, as soon as the host has room for one more creation.
    private func admitted<Success: Sendable>(
        _ operation: String, _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (isolated ContainerQueue, Result<Success, DriverFailure>) -> Void
    ) {
        isCalling = true
        let creations = services.creations
        creations.assumeIsolated { limit in
            limit.enter { [self] in
                assumeIsolated { queue in
                    queue.call(operation, work) { queue, result in
                        queue.isCalling = false
                        // A stuck creation has given its place away already.
                        if queue.stuckCreation {
                            queue.stuckCreation = false
                        } else {
                            creations.assumeIsolated { $0.leave() }
                        }
                        then(queue, result)
                        queue.shutDownWhenFree()
                    }
                }
            }
        }
    }

    /// Makes a call, whatever else is under way.
    func call<Success: Sendable>(
        _ operation: String, _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (isolated ContainerQueue, Result<Success, DriverFailure>) -> Void
    ) {
        let driver = services.driver
        services.calls.make({ () throws(DriverFailure) in try work(driver) }) { [self] isStuck in
            assumeIsolated { $0.stuckChanged(operation, isStuck) }
        } then: { [self] result in
            assumeIsolated { then($0, result) }
        }
    }

    private func stuckChanged(_ operation: String, _ isStuck: Bool) {
        noteStuck(operation, isStuck)
        guard isStuck else { return }
        if operation == "create" || operation == "start" {
            // The others may create on; this one's call keeps its thread only.
            stuckCreation = true
            services.creations.assumeIsolated { $0.leave() }
        } else if isCalling {
            isCalling = false
            shutDownWhenFree()
        }
    }
}
