import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack

/// The commands that are not queued with the mutating ones.
extension Container {
    /// The driver reports that a process has ended.
    func exited(_ process: ProcessName, _ exit: Exit) {
        guard !link.hold(process, exit) else { return }
        feed(.exited(process, exit))
        if process != .initial { output?.forgetOld(state.processes) }
    }

    func wait(_ process: ProcessName, _ responder: Responder) {
        if process == .initial {
            if state.phase == .stopped, let exit = state.exit { return responder.succeed(ExitResult(exit)) }
        } else {
            guard let known = state.processes[process] else { return responder.fail(.noProcess(process, id)) }
            if let exit = known.exit { return responder.succeed(ExitResult(exit)) }
        }
        if let oldest = waiters.add(process, responder) {
            oldest.fail(
                Failure(
                    .unavailable, "too many requests wait for \(id); the oldest is answered so: send it again",
                    retryable: true))
        }
        expectExit()
    }

    /// An exit is published: answers those that wait for it.
    func answerWaiters(_ process: ProcessName, _ exit: Exit) {
        for responder in waiters.take(process) { responder.succeed(ExitResult(exit)) }
        guard process == .initial else { return }
        for responder in stop.takeWaiting() { responder.succeed(ExitResult(exit)) }
        cancelGrace()
    }

    /// Answers those that wait for an exit which will never be published.
    func failRemainingWaiters() {
        let gone = Failure(.aborted, "\(id) went away before there was an exit to report")
        let exit = state.exit.map { ExitResult($0) }
        for (process, responder) in waiters.takeAll() {
            if process == .initial, let exit { responder.succeed(exit) } else { responder.fail(gone) }
        }
        for responder in stop.takeWaiting() {
            if let exit { responder.succeed(exit) } else { responder.fail(gone) }
        }
        cancelGrace()
    }

    /// No stop waits any more.
    private func cancelGrace() {
        for deadline in stop.takeDeadlines() { services.loop.cancel(deadline) }
    }

    // MARK: Stop

    /// Asks the first process to end, and ends the compute system by force when `grace` has passed.
    func stop(grace: Duration, _ cause: Cause, _ responder: Responder) {
        if link.isOpening { return responder.fail(opening) }
        do throws(ContainerState.Refusal) {
            _ = try state.apply(.stop)
        } catch {
            return responder.fail(Failure(error, id, state: state.wire))
        }
        if state.phase == .stopped, let exit = state.exit { return responder.succeed(ExitResult(exit)) }
        guard !stop.isFull else {
            return responder.fail(
                .exhausted(
                    "\(PendingStop.limit) requests wait for \(id) to stop already", retryAfterMilliseconds: 1000))
        }
        stop.note(cause)
        stop.add(responder, grace: grace, at: services.loop.timestamp)
        expectExit()
        save()
        endGracefully(within: grace)
    }

    /// Asks the first process to end, and ends the compute system by force when `grace` has passed.
    func endGracefully(within grace: Duration) {
        guard grace > .zero else { return terminate() }
        signalGracefully()
        stop.add(
            services.loop.schedule(after: grace) { [self] in
                if state.phase != .gone, state.isStopping || state.phase == .goingDown { terminate() }
            })
    }

    /// Asks the first process to end, where it runs and is to stop.
    func signalGracefully() {
        guard state.isLive, state.isStopping, calls.singles.insert(.gracefulSignal).inserted else { return }
        call(
            .signal, .urgent, { [id] driver throws(DriverFailure) in try driver.signal(id, .initial, .graceful) }
        ) { [self] result in
            calls.singles.remove(.gracefulSignal)
            if case .failure = result, state.isLive { terminate() }
        }
    }

    // MARK: Processes

    func signal(_ process: ProcessName, _ name: Command.SignalName, _ cause: Cause, _ responder: Responder) {
        if let failure = refusalUnlessRunning(process) { return responder.fail(failure) }
        if process == .initial { stop.note(cause) }
        let signal: Signal =
            switch name {
            case .number(let number): .number(number)
            case .name(let name): .name(name)
            }
        let work: Work<Void> = { [id] driver throws(DriverFailure) in try driver.signal(id, process, signal) }
        if name == .number(9) || name == .name("KILL") {
            // A kill waits for nothing that may hang.
            call(.signal, .urgent, work) { result in responder.answer(result.map { [:] as Value }) }
        } else {
            control(.signal, responder, work)
        }
    }

    func resize(_ process: ProcessName, _ size: ConsoleSize, _ responder: Responder) {
        if let failure = refusalUnlessRunning(process) { return responder.fail(failure) }
        control(.resize, responder) { [id] driver throws(DriverFailure) in try driver.resize(id, process, size) }
    }

    func stdin(_ input: Command.Stdin, _ responder: Responder) {
        if let failure = refusalUnlessRunning(input.process) { return responder.fail(failure) }
        // A write never blocks, and here bytes stay in the order they came in.
        do throws(ProcessInputs.Refusal) {
            let accepted = try inputs.write(input.data, at: input.offset, end: input.eof, to: input.process)
            responder.succeed(["accepted": .int(accepted)] as Value)
        } catch {
            responder.fail(Failure(error, input.process, id))
        }
    }

    // MARK: Questions

    func statistics(_ responder: Responder) {
        if let failure = refusalUnlessRunning(.initial) { return responder.fail(failure) }
        statistics(for: responder.number) { result in responder.answer(result) }
    }

    /// Statistics for the answer to request `number`.
    func statistics(for number: UInt64, _ then: @escaping (Result<Value, Failure>) -> Void) {
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

    private func processes(_ responder: Responder, _ shape: @escaping ([ProcessSummary]) -> Value) {
        if let failure = refusalUnlessRunning(.initial) { return responder.fail(failure) }
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

    // MARK: Refusals and deadlines

    /// Why nothing can be done to a process that must be running; nil where it is.
    private func refusalUnlessRunning(_ process: ProcessName) -> Failure? {
        if link.isOpening { return opening }
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

    private var opening: Failure {
        Failure(
            .unavailable, "the host is being asked what became of \(id); ask again in a moment", retryable: true,
            details: ["state": .string(ContainerRecord.State.unknown.rawValue), "retry_after_ms": 100])
    }

    /// The deadline of request `number` has passed.
    /// - Parameter isQuestion: whether it only asks: then it can be asked again.
    /// - Returns: what that means for what was asked.
    func expire(_ number: UInt64, isQuestion: Bool) -> Failure {
        if let process = waiters.remove(number) {
            return Failure(
                .deadlineExceeded, "\(process) of \(id) had not exited when the deadline passed", retryable: true)
        }
        let wasQueued = lane.remove(number)
        if wasQueued { reportStanding() }
        if wasQueued || calls.controls.remove(number) || calls.queries.remove(number)
            || lane.current?.responder?.number == number && takeBackCommand()
        {
            return Failure(
                .deadlineExceeded, "the deadline passed while other calls for \(id) were made; this one will not be",
                retryable: true)
        }
        if isQuestion {
            return Failure(.deadlineExceeded, "the driver had not answered for \(id) in time", retryable: true)
        }
        // A stop goes on too, and ends by force when its grace has passed. The peer can ask for the outcome again.
        return Failure(
            .deadlineExceeded,
            "the deadline passed while the driver was busy; the outcome will be published as an event",
            details: ["pending": true])
    }
}

extension Responder {
    /// Answers with what was asked of a container.
    func answer(_ result: Result<some WireEncodable, Failure>) {
        switch result {
        case .success(let value): succeed(value)
        case .failure(let failure): fail(failure)
        }
    }
}

extension Failure {
    /// Why input for a process was not taken.
    fileprivate init(_ refusal: ProcessInputs.Refusal, _ process: ProcessName, _ id: ContainerID) {
        switch refusal {
        case .none:
            self.init(
                .failedPrecondition,
                "process \(process) of \(id) has no standard input; start it with stdin = true to have one")
        case .gap(let accepted):
            self.init(
                .failedPrecondition,
                "bytes before this offset are missing: process \(process) of \(id) has accepted \(accepted) so far",
                details: ["offset": .unsigned(accepted)])
        case .unknownPosition:
            self.init(
                .failedPrecondition,
                "the worker was restarted and does not know how many bytes process \(process) of \(id) has accepted; send "
                    + "the rest without offset", details: ["offset": .null])
        case .driver(let failure): self.init(failure)
        }
    }
}
