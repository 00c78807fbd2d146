import ContainerDriver
import ContainerProtocol
import MessagePack

/// The commands that never stand in line with the mutating ones.
extension ContainerQueue {
    /// The driver tells that a process has ended.
    func exited(_ process: ProcessName, _ exit: Exit) {
        // Its turn comes when it is known what the exit is the end of.
        guard !isRestoring else { return exitsWhileRestoring.append((process, exit)) }
        feed(.exited(process, exit))
        if process != .initial { forgetOldOutput() }
    }

    /// The most that wait for one container's exits; the oldest of more is asked to ask again.
    private static let waiterLimit = 1024

    func wait(_ process: ProcessName, _ responder: Responder) {
        if process == .initial {
            if state.phase == .stopped, let exit = state.exit { return responder.succeed(ExitResult(exit)) }
        } else {
            guard let known = state.processes[process] else { return responder.fail(.noProcess(process, id)) }
            if let exit = known.exit { return responder.succeed(ExitResult(exit)) }
        }
        if waiters.count >= ContainerQueue.waiterLimit {
            let oldest = waiters.removeFirst()
            oldest.responder.fail(
                Failure(
                    .unavailable, "too many wait for \(id); whoever waited longest has to ask again", retryable: true))
        }
        waiters.append((process, responder))
        expectExit()
    }

    func tellWaiters(_ process: ProcessName, _ exit: Exit) {
        for waiter in waiters where waiter.process == process { waiter.responder.succeed(ExitResult(exit)) }
        waiters.removeAll { $0.process == process }
        guard process == .initial else { return }
        for responder in stoppers { responder.succeed(ExitResult(exit)) }
        stoppers = []
        for deadline in graceDeadlines { services.loop.cancel(deadline) }
        graceDeadlines = []
    }

    // MARK: Stop

    /// Asks the first process to end, and ends the compute system by force when `grace` has passed.
    func stop(grace: Duration, _ cause: Cause, _ responder: Responder) {
        if isRestoring { return responder.fail(restoring) }
        do throws(ContainerState.Refusal) {
            _ = try state.apply(.stop)
        } catch {
            return responder.fail(Failure(error, id, state: state.wire))
        }
        if state.phase == .stopped, let exit = state.exit { return responder.succeed(ExitResult(exit)) }
        guard stoppers.count < ContainerQueue.waiterLimit else {
            return responder.fail(
                .exhausted("\(stoppers.count) requests wait for \(id) to stop already", retryAfterMilliseconds: 1000))
        }
        self.cause = self.cause ?? cause
        stoppers.append(responder)
        expectExit()
        stopGrace = stopGrace.map { min($0, grace) } ?? grace
        let due = Timestamp.now.advanced(by: grace)
        stopDue = stopDue.map { min($0, due) } ?? due
        save()
        endGracefully(within: grace)
    }

    /// Asks the first process to end, and ends the compute system by force when `grace` has passed.
    func endGracefully(within grace: Duration) {
        guard grace > .zero else { return terminate() }
        signalGracefully()
        graceDeadlines.append(
            services.loop.schedule(after: grace) { [weak self] in
                self?.assumeIsolated { queue in
                    if queue.state.isStopping || queue.state.phase == .goingDown { queue.terminate() }
                }
            })
    }

    /// Asks the first process to end, where it runs and is to stop.
    func signalGracefully() {
        guard state.isLive, state.isStopping, !isSignallingGracefully else { return }
        isSignallingGracefully = true
        call(
            calls.next(), .signal, .urgent,
            { [id] driver throws(DriverFailure) in try driver.signal(id, .initial, .graceful) }
        ) { queue, result in
            queue.isSignallingGracefully = false
            if case .failure = result, queue.state.isLive { queue.terminate() }
        }
    }

    // MARK: Processes

    func signal(_ process: ProcessName, _ name: Command.SignalName, _ cause: Cause, _ responder: Responder) {
        if let failure = whyNotRunning(process) { return responder.fail(failure) }
        if process == .initial { self.cause = self.cause ?? cause }
        let signal: Signal =
            switch name {
            case .number(let number): .number(number)
            case .name(let name): .name(name)
            }
        if name == .number(9) || name == .name("KILL") {
            // A kill waits for nothing that may hang.
            call(
                calls.next(), .signal, .urgent,
                { [id] driver throws(DriverFailure) in try driver.signal(id, process, signal) }
            ) { _, result in responder.answer(result.map { [:] as Value }) }
        } else {
            control(.signal, responder) { [id] driver throws(DriverFailure) in
                try driver.signal(id, process, signal)
            }
        }
    }

    func resize(_ process: ProcessName, _ size: ConsoleSize, _ responder: Responder) {
        if let failure = whyNotRunning(process) { return responder.fail(failure) }
        control(.resize, responder) { [id] driver throws(DriverFailure) in try driver.resize(id, process, size) }
    }

    func stdin(_ process: ProcessName, _ data: [UInt8], end: Bool, _ responder: Responder) {
        if let failure = whyNotRunning(process) { return responder.fail(failure) }
        guard let input = inputs[process] else {
            return responder.fail(
                Failure(
                    .failedPrecondition,
                    "process '\(process)' of \(id) has no standard input; start it with stdin = true to have one"))
        }
        // A write never blocks, and here bytes stay in the order they came in.
        do throws(DriverFailure) {
            let accepted = try input.write(data, end: end)
            responder.succeed(["accepted": .int(accepted)] as Value)
        } catch {
            responder.fail(Failure(error))
        }
    }

    // MARK: Questions

    func statistics(_ responder: Responder) {
        if let failure = whyNotRunning(.initial) { return responder.fail(failure) }
        statistics(for: responder.number) { responder.answer($0) }
    }

    /// Statistics for the answer to request `number`.
    func statistics(for number: UInt64, _ then: @escaping @Sendable (Result<Value, DriverFailure>) -> Void) {
        query(.statistics, number, { [id] driver throws(DriverFailure) in try driver.statistics(id) }) { result in
            then(result.map(\.value))
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
        query(.processes, responder.number, { [id] driver throws(DriverFailure) in try driver.processes(id) }) {
            result in
            responder.answer(
                result.map { processes in
                    // The first process comes first, whatever order the service keeps.
                    shape(processes.filter { $0.pid == initial } + processes.filter { $0.pid != initial })
                })
        }
    }

    // MARK: Lines

    private func control(
        _ kind: CallKind, _ responder: Responder,
        _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Void
    ) {
        let entered = controls.enter(
            CallLine.Entry(number: responder.number) { [self] in
                assumeIsolated { queue in
                    _ = queue.call(queue.calls.next(), kind, .ordinary, work) { queue, result in
                        responder.answer(result.map { [:] as Value })
                        queue.controls.advance()
                    }
                }
            })
        if !entered { responder.fail(tooMany(kind)) }
    }

    private func query<Success: Sendable>(
        _ kind: CallKind, _ number: UInt64,
        _ work: @escaping @Sendable (any ContainerDriver) throws(DriverFailure) -> Success,
        then: @escaping @Sendable (Result<Success, DriverFailure>) -> Void
    ) {
        let entered = queries.enter(
            CallLine.Entry(number: number) { [self] in
                assumeIsolated { queue in
                    _ = queue.call(queue.calls.next(), kind, .ordinary, work) { queue, result in
                        then(result)
                        queue.queries.advance()
                    }
                }
            })
        if !entered {
            then(.failure(DriverFailure(.resourceExhausted, tooMany(kind).message, retryable: true)))
        }
    }

    private func tooMany(_ kind: CallKind) -> Failure {
        .exhausted("\(CallLine.limit) calls for \(kind.rawValue) of \(id) wait already", retryAfterMilliseconds: 200)
    }

    /// Why nothing can be done to a process that must be running; nil where it is.
    private func whyNotRunning(_ process: ProcessName) -> Failure? {
        if isRestoring { return restoring }
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

    private var restoring: Failure {
        Failure(
            .unavailable, "the host is being asked what became of \(id); ask again in a moment", retryable: true,
            details: ["state": .string(ContainerRecord.State.unknown.rawValue), "retry_after_ms": 100])
    }

    /// A request's deadline has passed.
    /// - Returns: what that means for what it asked for.
    func expire(_ number: UInt64) -> Failure {
        if let index = waiters.firstIndex(where: { $0.responder.number == number }) {
            let process = waiters.remove(at: index).process
            return Failure(.deadlineExceeded, "\(process) of \(id) had not exited when the deadline passed")
        }
        if isTakenBack(number) {
            return Failure(
                .deadlineExceeded, "the deadline passed while other calls for \(id) were made; this one will not be")
        }
        // A stop goes on too, and ends by force when its grace has passed; what became of it may be asked for again.
        return Failure(
            .deadlineExceeded,
            "the deadline passed while the driver was busy; the outcome will be published as an event",
            details: ["pending": true])
    }

    /// Whether what request `number` asked for has not begun, and now never will.
    private func isTakenBack(_ number: UInt64) -> Bool {
        if let index = inbox.firstIndex(where: { $0.responder.number == number }) {
            inbox.remove(at: index)
            return true
        }
        if controls.remove(number) || queries.remove(number) { return true }
        return current?.responder.number == number && takeBack()
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
