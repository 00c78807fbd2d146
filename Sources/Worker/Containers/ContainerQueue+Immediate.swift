import ContainerDriver
import ContainerProtocol
import MessagePack

/// The commands that never stand in line.
extension ContainerQueue {
    /// The driver tells that a process has ended.
    func exited(_ process: ProcessName, _ exit: Exit) {
        feed(.exited(process, exit))
        if process != .initial { dropUnusedSpools() }
    }

    func wait(_ process: ProcessName, _ responder: Responder) {
        if process == .initial {
            if state.phase == .stopped, let exit = state.exit { return responder.succeed(ExitResult(exit)) }
        } else {
            guard let known = state.processes[process] else { return responder.fail(.noProcess(process, id)) }
            if let exit = known.exit { return responder.succeed(ExitResult(exit)) }
        }
        waiters.append((process, responder))
    }

    func tellWaiters(_ process: ProcessName, _ exit: Exit) {
        for waiter in waiters where waiter.process == process { waiter.responder.succeed(ExitResult(exit)) }
        waiters.removeAll { $0.process == process }
        guard process == .initial else { return }
        for responder in stoppers { responder.succeed(ExitResult(exit)) }
        stoppers = []
    }

    /// Asks the first process to end, and ends the compute system by force when `grace` has passed.
    func stop(grace: Duration, _ responder: Responder) {
        do throws(ContainerState.Refusal) {
            _ = try state.apply(.stop)
        } catch {
            return responder.fail(Failure(error, id, state: state.wire))
        }
        if state.phase == .stopped, let exit = state.exit { return responder.succeed(ExitResult(exit)) }
        stoppers.append(responder)
        guard state.phase != .goingDown else { return }
        guard grace > .zero, state.phase != .starting else { return terminate() }
        call("signal", { [id] driver throws(DriverFailure) in try driver.signal(id, .initial, .graceful) }) {
            queue, result in
            if case .failure = result, queue.state.isLive { queue.terminate() }
        }
        let pid = state.pid
        services.loop.schedule(after: grace) { [weak self] in
            self?.assumeIsolated { queue in
                if queue.state.isLive, queue.state.pid == pid, !queue.stoppers.isEmpty { queue.terminate() }
            }
        }
    }

    func signal(_ process: ProcessName, _ name: Command.SignalName, _ responder: Responder) {
        guard let failure = whyNotRunning(process) else {
            let signal: Signal =
                switch name {
                case .number(let number): .number(number)
                case .name(let name): .name(name)
                }
            call("signal", { [id] driver throws(DriverFailure) in try driver.signal(id, process, signal) }) {
                _, result in
                responder.answer(result.map { [:] as Value })
            }
            return
        }
        responder.fail(failure)
    }

    func resize(_ process: ProcessName, _ size: ConsoleSize, _ responder: Responder) {
        if let failure = whyNotRunning(process) { return responder.fail(failure) }
        call("resize", { [id] driver throws(DriverFailure) in try driver.resize(id, process, size) }) { _, result in
            responder.answer(result.map { [:] as Value })
        }
    }

    func stdin(_ process: ProcessName, _ data: [UInt8], end: Bool, _ responder: Responder) {
        if let failure = whyNotRunning(process) { return responder.fail(failure) }
        // The driver's write never blocks, and here bytes stay in the order they came in.
        do throws(DriverFailure) {
            let accepted = try services.driver.write(id, process, data, end: end)
            responder.succeed(["accepted": .int(accepted)] as Value)
        } catch {
            responder.fail(Failure(error))
        }
    }

    func statistics(_ responder: Responder) {
        if let failure = whyNotRunning(.initial) { return responder.fail(failure) }
        call("statistics", { [id] driver throws(DriverFailure) in try driver.statistics(id) }) { _, result in
            responder.answer(result.map(\.value))
        }
    }

    func pids(_ responder: Responder) {
        processes(responder) { ["pids": .array($0.map { .int($0.pid) })] }
    }

    func summary(_ responder: Responder) {
        processes(responder) { ["processes": .array($0.map(\.value))] }
    }

    private func processes(_ responder: Responder, _ shape: @escaping @Sendable ([ProcessSummary]) -> Value) {
        if let failure = whyNotRunning(.initial) { return responder.fail(failure) }
        let initial = state.pid
        call("processes", { [id] driver throws(DriverFailure) in try driver.processes(id) }) { _, result in
            responder.answer(
                result.map { processes in
                    // The first process comes first, whatever order the service keeps.
                    shape(processes.filter { $0.pid == initial } + processes.filter { $0.pid != initial })
                })
        }
    }

    /// Why nothing can be done to a process that must be running; nil where it is.
    private func whyNotRunning(_ process: ProcessName) -> Failure? {
        if process != .initial {
            guard let known = state.processes[process] else { return .noProcess(process, id) }
            if known.state != .running {
                return Failure(
                    .failedPrecondition, "process \(process) of \(id) has exited",
                    details: ["state": .string(state.wire.rawValue)])
            }
        }
        guard !state.isLive else { return nil }
        return Failure(
            .failedPrecondition, "\(id) is \(state.wire.rawValue), and only a running container can do this",
            details: ["state": .string(state.wire.rawValue)])
    }

    /// A request's deadline has passed.
    /// - Returns: what that means for what it asked for.
    func expire(_ number: UInt64) -> Failure {
        if let index = inbox.firstIndex(where: { $0.responder.number == number }) {
            inbox.remove(at: index)
            return Failure(
                .deadlineExceeded, "the deadline passed while other commands of \(id) were run; this one will not be")
        }
        if let index = waiters.firstIndex(where: { $0.responder.number == number }) {
            let process = waiters.remove(at: index).process
            return Failure(.deadlineExceeded, "\(process) of \(id) had not exited when the deadline passed")
        }
        // A stop goes on too, and ends by force when its grace has passed.
        return Failure(
            .deadlineExceeded,
            "the deadline passed while the driver was busy; the outcome will be published as an event",
            details: ["pending": true])
    }
}

extension Responder {
    /// Answers with what a driver call came to.
    func answer(_ result: Result<some WireEncodable, DriverFailure>) {
        switch result {
        case .success(let value): succeed(value)
        case .failure(let failure): fail(Failure(failure))
        }
    }
}
