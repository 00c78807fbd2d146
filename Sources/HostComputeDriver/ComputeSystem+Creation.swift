import CHostCompute
import ContainerDriver
import ContainerModel

extension ComputeSystem {
    /// Creates the compute system in HCS and waits until it is there. A failure leaves nothing.
    func create(_ document: [UInt8]) throws(DriverFailure) {
        do throws(HostComputeError) {
            withState { $0.awaited = .create }
            let (raw, progress) = try context.host.createSystem(id.rawValue, document)
            let handle = ComputeHandle(context.host, .system, raw)
            withState { $0.handle = handle }
            try handle.register(self)
            if progress == .pending { try awaitCompletion("HcsCreateComputeSystem", context.timeouts.create) }
        } catch {
            abandon()
            throw error.failure(subject)
        }
    }

    /// Attaches to a compute system through a handle that was opened, which it takes over.
    func attach(_ handle: ComputeHandle) throws(HostComputeError) {
        withState { $0.handle = handle }
        do throws(HostComputeError) {
            try handle.register(self)
        } catch {
            close()
            throw error
        }
    }

    /// Starts the compute system, unless it runs already, and its first process. The caller discards it after a
    /// failure.
    func start(_ document: ProcessDocument, output: any ProcessOutput) throws(DriverFailure) -> StartedProcess {
        try requireNotStarted()
        do throws(HostComputeError) {
            if !withState({ $0.started }) { try startSystem() }
        } catch {
            throw error.failure(subject)
        }
        withState { state in
            state.started = true
            state.directory = document.workingDirectory
        }
        return try startProcess(.initial, document, output: output)
    }

    private func startSystem() throws(HostComputeError) {
        let deadline = ContinuousClock.now + context.timeouts.start
        var pause = Duration.milliseconds(10)
        while true {
            do throws(HostComputeError) {
                return try run("HcsStartComputeSystem", .start, context.timeouts.start) {
                    system throws(HostComputeError) in try context.host.start(system)
                }
            } catch  where error.isInvalidState && withState({ $0.wasFound }) && ContinuousClock.now < deadline {
                // An earlier worker died while it was created or started, and that has not come to its end yet.
                if try Found(readProperties(PropertyDocuments.basic)).started { return }
            }
            _ = wait(pause) { $0.exited != nil || $0.disconnected ? true : nil }
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// Refuses a second start.
    func requireNotStarted() throws(DriverFailure) {
        if withState({ $0.hasFirstProcess }) {
            throw DriverFailure(.failedPrecondition, "\(subject) has been started already; a container starts once")
        }
    }

    /// Starts a process. A failure leaves none.
    func startProcess(
        _ name: ProcessName, _ document: ProcessDocument, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        // A process whose exit has been reported frees its name, though it may still be closing its handles.
        let taken = withState { state in state.processes.contains { $0.name == name && !$0.isConcluded } }
        guard !taken else {
            throw DriverFailure(.alreadyExists, "process '\(name)' of \(subject) is running; choose another name")
        }
        do throws(HostComputeError) {
            let (raw, information) = try use("HcsCreateProcess") { system throws(HostComputeError) in
                try context.host.createProcess(system, document.bytes)
            }
            if name == .initial { withState { $0.hasFirstProcess = true } }
            let process = ComputeProcess(
                name, pid: information.pid, terminal: document.terminal,
                handle: ComputeHandle(context.host, .process, raw), system: self)
            do throws(HostComputeError) {
                // The streams come first: HCS notifies a late registration of an exit at once, and that needs them.
                if let failure = process.attach(information, output: OutputGate(output)) { throw failure }
                adopt(process)
                try process.handle.register(process)
            } catch {
                // If the system's end has reported the exit meanwhile, the process was started: no failure.
                guard process.silence() else { return process.started }
                try? process.handle.use("HcsTerminateProcess") { process throws(HostComputeError) in
                    try context.host.terminate(process: process)
                }
                process.release(keepingOutput: false)
                disown(process)
                throw error
            }
            return process.started
        } catch {
            throw startFailure(error, name, document)
        }
    }

    /// The failure of HcsCreateProcess in the caller's terms: what it gave wrong is named.
    private func startFailure(
        _ error: HostComputeError, _ name: ProcessName, _ document: ProcessDocument
    ) -> DriverFailure {
        var failure = error.failure("process '\(name)' of \(subject)")
        guard error.operation == "HcsCreateProcess" else { return failure }
        let program = CommandLine.program(of: document.commandLine)
        switch error.code {
        case 0x2:
            failure.code = .invalidArgument
            failure.message =
                "the program '\(program)' was not found in \(subject): correct the process's args, or add the program "
                + "to the image"
        case 0x3, 0x10B:
            failure.code = .invalidArgument
            failure.message =
                "the working directory '\(document.workingDirectory)' of process '\(name)' is not a folder in "
                + "\(subject): correct the process's cwd"
        case _ where error.isAccessDenied:
            let user = document.user.isEmpty ? "the container's user" : "the user '\(document.user)'"
            failure.message =
                "access to the program '\(program)' was denied in \(subject): it must be an executable file that \(user) "
                + "may run"
        case 0xC1:
            failure.code = .invalidArgument
            failure.message =
                "'\(program)' is no program that \(subject) can run: it is not an executable file, or one for another kind "
                + "of machine"
        case 0xCE:
            failure.code = .invalidArgument
            failure.message =
                "the arguments and the environment of process '\(name)' of \(subject) are too long: pass less, or a file"
        case 0x522, 0x525, 0x534:
            failure.code = error.code == 0x522 ? .permissionDenied : .invalidArgument
            failure.message =
                "process '\(name)' of \(subject) can't run as '\(document.user)': "
                + (error.code == 0x522 ? "that takes rights that are missing here" : "there is no such user")
                + "; correct the process's user.username"
        default:
            break
        }
        return failure
    }

    /// Terminates what a failed create left, without reporting an exit.
    private func abandon() {
        let (handle, disconnected) = withState { ($0.handle, $0.disconnected) }
        if let handle, !disconnected {
            // By the handle, because HCS may not know the system by its id yet.
            let progress = try? use("HcsTerminateComputeSystem") { system throws(HostComputeError) in
                try context.host.terminate(system)
            }
            // The id stays taken until the system is gone, so its exit is awaited. That needs a registration; one that
            // failed before may succeed now.
            if progress == .pending {
                if !handle.isRegistered { try? handle.register(self) }
                if handle.isRegistered { _ = waitForExit(context.timeouts.cleanUp) }
            }
        }
        close()
    }
}
