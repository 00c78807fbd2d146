import ContainerDriver
import ContainerProtocol
import DequeModule
import Logging
import MessagePack
import ZeroMQ

/// One container: its line of commands, its state, and those who wait for it.
///
/// Owns everything about its container and runs on the socket loop, where nothing of it ever waits: commands stand in
/// `inbox`, at most one is under way, and driver calls come back as messages. Order lives in the inbox, not in the actor's
/// mailbox, which is not first in, first out across suspensions. An idle container is this object and nothing else: no
/// task and no thread.
actor ContainerQueue {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    nonisolated let id: ContainerID
    let services: HostServices
    unowned let pool: ContainerPool

    var state = ContainerState()
    var inbox = Deque<QueuedCommand>()
    /// The command under way.
    var current: QueuedCommand?
    /// Its driver calls.
    var calls = ContainerCalls()
    /// Calls that change a process, and calls that only ask, each kind one after another.
    var controls = CallLine()
    var queries = CallLine()
    /// The compute system is to be taken down as soon as no other call is in its way.
    var mustShutDown = false
    var isTerminating = false
    var isSignallingGracefully = false
    /// When stops that wait turn into ends by force.
    var graceDeadlines: [SocketLoop.Deadline] = []
    /// How long a stop that is under way gives the first process.
    var stopGrace: Duration?
    /// Whether the host is being asked what it has of this container: nothing else is done with it meanwhile.
    var isRestoring = false
    /// Whether it is asked for the first time: there is no record.
    var isAdopting = false
    /// Whether it has just been found again after that.
    var isReattached = false
    /// Exits that were told meanwhile.
    var exitsWhileRestoring: [(process: ProcessName, exit: Exit)] = []
    /// When the command under way was begun.
    var begun = Timestamp.epoch
    /// Why the command under way failed.
    var failure: Failure?

    /// What the first process is to be, until it has been started.
    var creation: QueuedCommand.Creation?
    var updated = UpdatedResources(applied: [], ignored: [])
    var warnings: [String] = []
    /// Whether its isolation can be paused; unknown until it has been created.
    var canPause: Bool?
    var facts: ContainerRecord
    /// Processes with a terminal.
    var terminals: Set<ProcessName> = []

    /// The request that ends the container: its exit is that request's doing.
    var cause: Cause?

    /// Whether the host is being asked what runs, and whether it is asked again and again because someone waits.
    var isChecking = false
    var isExpectingExit = false

    var waiters: [(process: ProcessName, responder: Responder)] = []
    var stoppers: [Responder] = []
    var spools: [ProcessName: OutputSpool] = [:]
    /// Processes that ended before this worker began, and whose output may still be kept.
    var kept: Set<ProcessName> = []
    var attachments: [Attachment] = []

    init(_ id: ContainerID, services: HostServices, pool: ContainerPool) {
        self.id = id
        self.services = services
        self.pool = pool
        unownedExecutor = services.loop.asUnownedSerialExecutor()
        facts = ContainerRecord(id: id, createdAt: .now)
    }

    /// What `state` answers.
    var record: ContainerRecord {
        var record = facts
        record.state = isRestoring ? .unknown : state.wire
        record.pid = state.pid
        record.exit = state.phase == .stopped ? state.exit : nil
        record.processes = state.processes
        record.isPaused = state.phase == .paused
        record.isUpdatePending = state.isUpdatePending
        record.queueDepth = inbox.count + (current == nil ? 0 : 1)
        record.stuck = calls.stuck.values.first?.rawValue
        return record
    }

    /// What is kept of it beyond the worker's life.
    var saved: SavedContainer {
        var facts = record
        facts.queueDepth = 0
        facts.stuck = nil
        var saved = SavedContainer(facts: facts, state: state)
        saved.canPause = canPause
        saved.terminals = terminals
        saved.stopGrace = stopGrace
        saved.cause = cause
        saved.creation = creation.map {
            SavedContainer.Creation(source: $0.source, start: $0.start, stdin: $0.stdin)
        }
        if state.phase == .discarding { saved.failure = failure }
        saved.command = current.map { SavedContainer.Command($0, at: begun) }
        return saved
    }

    /// Keeps the record as it will be at the end of the loop's turn.
    func save() {
        guard state.phase != .gone, state.phase != .new else { return }
        services.events.assumeIsolated { $0.save(self) }
    }

    /// Whether something of it runs or is about to: not where it has only been created, or has ended.
    var isBusy: Bool {
        switch state.phase {
        case .created, .stopped, .gone: current != nil
        default: true
        }
    }

    // MARK: The line of commands

    /// Puts a command at the end of the line; a full line answers at once.
    func offer(_ command: QueuedCommand) {
        guard inbox.count < services.configuration.limits.queueDepth else {
            command.responder.fail(
                .exhausted(
                    "\(id) has \(inbox.count) commands waiting, which is its limit; send this one again later",
                    retryAfterMilliseconds: 100))
            return
        }
        inbox.append(command)
        advance()
    }

    /// Begins the next command where none is under way.
    func advance() {
        while current == nil, !isRestoring, state.phase != .gone, let next = inbox.popFirst() { begin(next) }
    }

    private func begin(_ command: QueuedCommand) {
        current = command
        begun = .now
        failure = nil
        switch command.kind {
        case .create(let creation):
            if state.phase == .new {
                self.creation = creation
                facts.labels = creation.labels
                facts.ignored = creation.ignored
            }
            feed(.create)
        case .start: feed(.start)
        case .exec(let exec): feed(.exec(exec.name))
        case .pause: if requireThatItCanPause("paused") { feed(.pause) }
        case .resume: if requireThatItCanPause("resumed") { feed(.resume) }
        case .update: feed(.update)
        case .delete(let force):
            if force { cause = Cause(command) }
            feed(.delete(force: force))
        case .restore:
            if state.isLive || state.phase == .created { reopen() } else { finish(.success(standing)) }
        case .checkpoint:
            finish(.failure(Failure(.unimplemented, "the driver \(services.driver.name) has no checkpoints")))
        }
    }

    private func requireThatItCanPause(_ verb: String) -> Bool {
        guard canPause == false else { return true }
        let driver = services.driver.name
        finish(
            .failure(Failure(.unimplemented, "\(id) cannot be \(verb): with \(driver) only Hyper-V isolation can")))
        return false
    }

    /// Ends the command under way.
    func finish(_ result: Result<any WireEncodable, Failure>) {
        guard let command = current else { return }
        current = nil
        save()
        log(command, result)
        switch result {
        case .success(let value): command.responder.succeed(value)
        case .failure(let failure): command.responder.fail(failure)
        }
    }

    private func log(_ command: QueuedCommand, _ result: Result<any WireEncodable, Failure>) {
        var metadata: Logger.Metadata = ["container": "\(id)", "command": "\(command.kind.name)"]
        if let text = command.requestID { metadata["request_id"] = "\(text)" }
        if let text = command.traceparent { metadata["traceparent"] = "\(text)" }
        switch result {
        case .success: services.logger.debug("done", metadata: metadata)
        case .failure(let failure):
            metadata["error"] = "\(failure)"
            services.logger.info("failed", metadata: metadata)
        }
    }

    // MARK: State and what follows from it

    /// Gives the state machine an input, carries out what it says, and goes on with the line.
    func feed(_ input: ContainerState.Input) {
        do throws(ContainerState.Refusal) {
            perform(try state.apply(input))
        } catch {
            finish(.failure(Failure(error, id, state: state.wire)))
        }
        save()
        advance()
    }

    func perform(_ actions: [ContainerState.Action]) {
        for action in actions {
            switch action {
            case .drive(let operation): drive(operation)
            case .publish(let kind, let process, let pid, let exit): publish(kind, process, pid, exit)
            case .succeed: succeed()
            case .fail:
                finish(.failure(failure ?? Failure(.aborted, "\(id): the container went away under the command")))
            case .forget: forget()
            }
        }
    }

    /// `{state, pid?}`
    var standing: Value {
        var result: Value.Map = ["state": .string(state.wire.rawValue)]
        if state.isLive, let pid = state.pid { result["pid"] = .int(pid) }
        return .map(result)
    }

    private func succeed() {
        guard let command = current else { return }
        switch command.kind {
        case .create(let creation):
            if creation.start, state.phase == .created {
                // A container that is created and started in one: the command stays under way.
                feed(.start)
            } else {
                finish(.success(createdResult()))
            }
        case .start: finish(.success(startedResult()))
        case .exec(let exec):
            var result: Value.Map = ["process": .string(exec.name.rawValue)]
            result["pid"] = .int(state.processes[exec.name]?.pid ?? 0)
            if !exec.ignored.isEmpty { result["ignored"] = .array(exec.ignored.map { .string($0) }) }
            finish(.success(Value.map(result)))
        case .update:
            finish(
                .success(
                    [
                        "applied": .array(updated.applied.map { .string($0) }),
                        "ignored": .array(updated.ignored.map { .string($0) }),
                    ] as Value))
        case .delete: finish(.success([:] as Value))
        default: finish(.success(["state": .string(state.wire.rawValue)] as Value))
        }
    }

    private func createdResult() -> Value {
        var result: Value.Map = ["id": .string(id.rawValue), "state": .string(state.wire.rawValue)]
        if let pid = state.pid { result["pid"] = .int(pid) }
        result["warnings"] = .array(warnings.map { .string($0) })
        result["ignored"] = .array(facts.ignored.map { .string($0) })
        return .map(result)
    }

    private func startedResult() -> Value {
        ["state": .string(state.wire.rawValue), "pid": .int(state.pid ?? 0)]
    }

    private func publish(_ kind: Event.Kind, _ process: ProcessName?, _ pid: UInt32?, _ exit: Exit?) {
        // One that was never out of sight is not told to be back.
        guard kind != .restore || isReattached else { return }
        if kind == .start {
            facts.startedAt = .now
            if !waiters.isEmpty { expectExit() }
        }
        if kind == .exit {
            endOutput()
            stopGrace = nil
        }
        var event = Event(kind, id)
        event.process = process
        event.pid = pid
        event.exit = exit
        event.state = state.wire
        event.labels = facts.labels
        if kind == .exit { event.isUpdatePending = state.isUpdatePending }
        // What is published now comes from the command under way; an exit only from one that asked for the end.
        let cause = kind == .exit || kind == .execExit ? cause : current.map { Cause($0) }
        event.requestID = cause?.requestID
        event.traceparent = cause?.traceparent
        services.events.assumeIsolated { [event] in $0.record(event) }
        if let exit, let process { tellWaiters(process, exit) }
        if kind == .exit { pool.assumeIsolated { $0.tellIfIdle() } }
    }

    /// A driver call has outlived its watchdog, or has come back after that.
    func noteStuck(_ operation: CallKind, _ isStuck: Bool) {
        var event = Event(isStuck ? .stuck : .unstuck, id)
        event.operation = operation.rawValue
        event.state = state.wire
        event.labels = facts.labels
        services.events.assumeIsolated { [event] in $0.record(event) }
        services.logger.warning(
            isStuck ? "a driver call is stuck; the container waits for it" : "a stuck driver call came back",
            metadata: ["container": "\(id)", "operation": "\(operation.rawValue)"])
    }

    /// Answers those who wait for an exit that nobody will publish any more.
    func tellThoseLeftBehind() {
        let gone = Failure(.aborted, "\(id) went away before there was an exit to tell")
        for (process, responder) in waiters {
            if process == .initial, let exit = state.exit {
                responder.succeed(ExitResult(exit))
            } else {
                responder.fail(gone)
            }
        }
        for responder in stoppers {
            if let exit = state.exit { responder.succeed(ExitResult(exit)) } else { responder.fail(gone) }
        }
        waiters = []
        stoppers = []
    }

    /// The worker ends: the line is cleared, and whatever runs is ended by force, past every call that hangs. What has
    /// ended is remembered.
    func end(_ responder: Responder) {
        let reason = Failure(.unavailable, "the worker is stopping; ask again when it has started", retryable: true)
        for command in inbox { command.responder.fail(reason) }
        inbox = []
        switch state.phase {
        case .starting, .running, .paused, .goingDown: terminate()
        case .created: inbox = [QueuedCommand(id: id, kind: .delete(force: true), responder: responder)]
        default: break
        }
        advance()
    }

    private func forget() {
        tellThoseLeftBehind()
        endOutput()
        attachments = []
        spools = [:]
        // Commands that came after the delete find whatever has the id by then.
        let rest = Array(inbox)
        inbox.removeAll()
        services.events.assumeIsolated { $0.forget(id) }
        if let folder = services.spools?.folder(of: facts) { SpoolFolder.remove([folder]) }
        pool.assumeIsolated { $0.forget(id, then: rest) }
    }
}
