import ContainerDriver
import ContainerModel
import Glibc

/// From its creation to its removal.
extension OCIContainer {
    /// Makes a container. A failure leaves nothing behind.
    static func create(
        _ id: ContainerID, _ bundle: BundleConfiguration, _ context: OCIContext
    ) throws(DriverFailure) -> OCIContainer {
        var creation = ContainerCreation(id, context, bundle)
        try creation.takeFolder()
        let failure: DriverFailure
        do throws(DriverFailure) {
            try creation.run()
            let container = OCIContainer(id, context, creation.file)
            do throws(DriverFailure) {
                try container.connect()
                try container.awaitCreation()
                try container.record { $0.phase = .created }
                if let size = bundle.size { try container.resize(.initial, size) }
                return container
            } catch {
                _ = container.remove()
                throw error
            }
        } catch {
            failure = error
        }
        _ = ContainerRemoval(id: id, context: context).run(creation.file, nil)
        throw failure
    }

    /// Connects to the supervisor and learns what it knows.
    func connect() throws(DriverFailure) {
        guard let supervisor = context.supervisor(paths) else {
            throw DriverFailure(
                .unavailable, "the supervisor of \(subject) does not answer; see \(paths.bundle)", retryable: true)
        }
        state.withLock { $0.supervisor = supervisor }
        try supervisor.watch(self)
    }

    /// Waits for what the runtime's `create` comes to.
    private func awaitCreation() throws(DriverFailure) {
        enum Outcome { case created, failed, vanished }
        let outcome = state.wait(milliseconds: context.configuration.patience) { state -> Outcome? in
            switch state.processes[.initial]?.known?.phase {
            case .created, .running, .exited: .created
            case .failed: .failed
            case .creating, nil: state.supervisor == nil ? .vanished : nil
            }
        }
        switch outcome {
        case .created: return
        case .failed, .vanished:
            let log = HostFile.text(paths.log(.initial), limit: 64 << 10)
            throw DriverFailure(
                .failedPrecondition,
                "\(context.runtime.description) cannot create \(subject): "
                    + (RuntimeLog.reason(log) ?? "it left no reason; see the worker's log and dmesg"))
        case nil:
            throw DriverFailure(
                .deadlineExceeded,
                "\(context.runtime.description) did not create \(subject) within \(context.configuration.patience) ms; it was ended",
                retryable: true)
        }
    }

    /// Lets the first process run.
    func start(stdin: Bool, output: any ProcessOutput) throws(DriverFailure) -> StartedProcess {
        let supervisor = try requireSupervisor()
        guard let process = initial, process.known?.phase == .created || process.known?.phase == .running else {
            throw DriverFailure(.failedPrecondition, "\(subject) has been started already")
        }
        try record { file in
            file.phase = .started
            file.startedAt = HostClock.nanosecondsNow
        }
        let input = self.input(process, stdin: stdin)
        // A terminal's end of input is typed, and would end a shell.
        if !stdin, !process.hasTerminal { _ = supervisor.write(0, [], at: 0, end: true) { _, _ in } }
        if let offset = process.beginReading(into: output, from: 0) { read(process, from: offset) }
        try supervisor.start()
        guard let pid = process.pid else {
            throw DriverFailure(.internal, "the supervisor of \(subject) does not say which process it started")
        }
        // It may have ended before it was wanted.
        if process.exit != nil { settle(process) }
        return StartedProcess(pid: pid, input: input)
    }

    private func input(_ process: SupervisedProcess, stdin: Bool) -> SupervisedInput? {
        guard stdin, let supervisor, let known = process.known else { return nil }
        let input = SupervisedInput(
            supervisor, known.number, taken: known.inputOffset, of: "process \(process.name) of \(subject)",
            reactor: context.reactor)
        process.setInput(input)
        return input
    }

    /// The input of a process that was found again.
    func reopenInput(_ process: SupervisedProcess) -> SupervisedInput? {
        guard process.exit == nil, process.known?.hasInput == true else { return nil }
        return input(process, stdin: true)
    }

    // MARK: Ending

    /// Ends everything in it by force.
    func terminate() {
        state.withLock { $0.isTerminated = true }
        let identity = initial?.identity ?? paths.spool(.initial).state()?.identity
        identity?.signal(SIGKILL)
        // With the first process the kernel ends its process namespace; where it has none, each one is ended. A frozen
        // one takes the signal when it is thawed.
        if !file.hasOwnProcesses || cgroup.isFrozen { cgroup.kill() }
    }

    /// Takes it down after its first process has ended. What is left of it is removed in the background.
    func shutDown() throws(DriverFailure) {
        guard initial?.exit != nil else {
            throw DriverFailure(.failedPrecondition, "\(subject) still runs; stop it first")
        }
        if !file.hasOwnProcesses { cgroup.kill() }
        if !waitForExits(milliseconds: context.configuration.patience) {
            throw DriverFailure(
                .deadlineExceeded, "some processes of \(subject) do not end; delete it by force", retryable: true)
        }
        try record { $0.phase = .ended }
        state.withLock { $0.isEnding = true }
    }

    /// Removes everything that there is of it.
    /// - Returns: what is left all the same.
    func remove() -> String? {
        let (file, supervisor, processes) = state.withLock { state in
            state.isEnding = true
            state.isTerminated = true
            return (state.file, state.supervisor, Array(state.processes.values))
        }
        let left = ContainerRemoval(id: id, context: context).run(file, supervisor)
        for process in processes { process.endOutput(isLost: false) }
        return left
    }
}
