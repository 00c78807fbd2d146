import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack

/// One container: its serialised queue of commands, its state, and the requests that wait for it.
///
/// An actor whose executor is the socket loop. It feeds its parts, each of which keeps one kind of state, and carries
/// out what ``ContainerState`` decides. It never awaits: commands are queued in ``CommandLane``, at most one is under
/// way, and driver calls return by callbacks. The lane keeps the order, because an actor's mailbox is not first in,
/// first out across suspensions. An idle container is only this object, without a task or a thread.
actor Container {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    nonisolated let id: ContainerID
    private let host: LoopBound<HostServices>

    var state = ContainerState()
    var link = HostLink()
    var lane = CommandLane()
    var calls = DriverLanes()
    var stop = PendingStop()
    var waiters = ExitWaiters()
    var inputs = ProcessInputs()
    /// Output of its processes; nil until one was about to be started.
    var output: ContainerOutput?
    /// The specification of the first process, until it has been started.
    var creation: QueuedCommand.Creation?
    /// What the reply to the command under way contains besides the state.
    var outcome = CommandOutcome()
    /// What is known of it besides ``state``, for its record.
    var facts: ContainerRecord
    /// What the driver cannot learn from the host when it opens the container again.
    var known = KnownContainer()
    /// How far its removal by the worker has come.
    var removal = Removal.none
    /// How it was counted among the host's containers.
    private var standing = ContainerStanding()

    /// A container that does not exist on the host yet. On the loop.
    init(_ id: ContainerID, _ host: LoopBound<HostServices>) {
        let services = host.value
        self.id = id
        self.host = host
        unownedExecutor = services.loop.asUnownedSerialExecutor()
        facts = ContainerRecord(id: id, createdAt: services.loop.timestamp)
    }

    /// The one door into a container for code that runs on the loop already. It traps on any other thread.
    nonisolated func enter<Result: Sendable>(_ body: (isolated Container) throws -> Result) rethrows -> Result {
        try assumeIsolated(body)
    }

    /// What the container needs of its worker.
    var services: HostServices { host.value }

    // MARK: Records

    /// What `state` answers.
    var record: ContainerRecord {
        var record = facts
        record.state = wireState
        record.pid = state.pid
        record.exit = state.phase == .stopped ? state.exit : nil
        record.processes = state.processes
        record.isPaused = state.phase == .paused
        record.isUpdatePending = state.isUpdatePending
        record.queueDepth = lane.depth
        record.stuck = calls.stuck.values.first?.rawValue
        return record
    }

    private var wireState: ContainerRecord.State { link.isOpening ? .unknown : state.wire }

    /// What is kept of it beyond the worker's life.
    var saved: SavedContainer {
        var facts = record
        facts.queueDepth = 0
        facts.stuck = nil
        var saved = SavedContainer(facts: facts, state: state)
        saved.known = known
        output?.save(to: &saved)
        saved.stopGrace = stop.grace
        saved.stopDue = stop.due
        saved.cause = stop.cause
        saved.creation = creation.map {
            SavedContainer.Creation(
                source: $0.source, start: $0.start, stdin: $0.stdin, lossless: $0.lossless)
        }
        if state.phase == .discarding { saved.failure = lane.failure }
        if let command = lane.current, let begunAt = lane.begunAt {
            saved.command = SavedContainer.Command(command, at: begunAt)
        }
        return saved
    }

    /// Keeps the record as it will be at the end of the loop's turn.
    func save() {
        guard state.phase != .gone, state.phase != .new, !services.outbox.isSaving(id) else { return }
        services.outbox.save(id) { [self] writer in saved.encode(to: writer) }
    }

    /// Updates the host's counts after a change of the container's state.
    func reportStanding() {
        var now = ContainerStanding()
        now.isStuck = !calls.stuck.isEmpty
        switch state.phase {
        case .created, .stopped, .gone: now.isBusy = lane.current != nil
        default: now.isBusy = true
        }
        now.state = state.phase == .gone ? nil : wireState
        now.waiting = Int32(clamping: lane.waitingCount)
        now.isStopped = state.phase == .stopped && lane.depth == 0 && !link.isOpening
        guard now != standing else { return }
        services.pool.changed(id, from: standing, to: now)
        if now.isStopped, !standing.isStopped { services.pool.stopped(id, at: stoppedAt) }
        standing = now
    }

    /// The output of its processes.
    var processOutput: ContainerOutput {
        if let output { return output }
        let made = ContainerOutput(id, createdAt: facts.createdAt, services)
        output = made
        return made
    }
}

/// What the reply to a command contains besides the container's state.
struct CommandOutcome {
    /// `create`: things that a person should know.
    var warnings: [String] = []
    /// `update`: the fields that were applied.
    var applied: [String] = []
    /// `update`: the fields that were not.
    var ignored: [String] = []
}
