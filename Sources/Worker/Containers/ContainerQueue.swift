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
    /// When that has passed.
    var stopDue: Timestamp?
    /// Whether the host is being asked what it has of this container: nothing else is done with it meanwhile.
    var isRestoring = false
    /// Whether it is asked for the first time: there is no record.
    var isAdopting = false
    /// Whether it has just been found again after that.
    var isReattached = false
    /// Which time this is that the host is asked: what comes of an earlier one is not heard any more.
    var reopening = 0
    /// Whether the service went away at a time when the container could not be asked for again.
    var mustReopen = false
    /// Whether whatever runs of it is to end, because the worker does.
    var isEnding = false
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
    /// Which of its processes each name stands for, counted by their starts, and how many starts there were.
    var spoolNumbers: [ProcessName: Int] = [:]
    var lastSpool = 0
    /// The output of a process that was about to be started when the worker died.
    var beginningSpool: OutputSpool?

    /// The request that ends the container: its exit is that request's doing.
    var cause: Cause?

    /// Whether the host is being asked what runs, and whether it is asked again and again because someone waits.
    var isChecking = false
    var isExpectingExit = false

    var waiters: [(process: ProcessName, responder: Responder)] = []
    var stoppers: [Responder] = []
    var spools: [ProcessName: OutputSpool] = [:]
    /// The standard inputs of the processes that have one.
    var inputs: [ProcessName: any ProcessInput] = [:]
    /// Processes that ended before this worker began, and whose output may still be kept.
    var kept: Set<ProcessName> = []
    /// Whether output has been given up that had a file.
    var hadFiles = false
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
        saved.spoolNumbers = spoolNumbers
        saved.lastSpool = lastSpool
        saved.stopGrace = stopGrace
        saved.stopDue = stopDue
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
}
