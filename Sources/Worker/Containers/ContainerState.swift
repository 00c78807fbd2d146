import ContainerDriver
import ContainerModel
import ContainerProtocol

/// Where a container is in its life, as a pure state machine: an input in, actions out, nothing else.
///
/// It knows no driver and no socket. ``Container`` feeds it with commands, with what driver calls came to
/// and with what the driver reports by itself, and carries out what it answers.
struct ContainerState: Sendable, Equatable {
    enum Phase: String, Sendable, CaseIterable {
        /// Nothing exists yet.
        case new
        /// The driver makes the compute system.
        case creating
        /// The compute system exists; its first process has not been started.
        case created
        /// The driver starts the compute system and the first process.
        case starting
        case running
        case paused
        /// The first process has ended; the driver takes the compute system down.
        case goingDown
        case stopped
        /// The driver forgets the container.
        case discarding
        /// Nothing exists any more.
        case gone
    }

    /// What comes in.
    enum Input: Sendable, Equatable {
        // Commands, when their turn has come.
        case create, start, exec(ProcessName), pause, resume, update, delete(force: Bool)
        /// Someone wants it stopped; not in line with the commands above.
        case stop
        // What driver calls came to.
        case created, createFailed
        case started(pid: UInt32), startFailed(Exit)
        /// The start was never begun.
        case startGivenUp
        case execStarted(ProcessName, pid: UInt32), execFailed(ProcessName)
        case paused, resumed, updated, operationFailed
        case wentDown(updatePending: Bool)
        case discarded, discardFailed
        case terminateFailed
        // What the driver reports by itself.
        case exited(ProcessName, Exit)
        /// What the host has of a container that was known before: after a start of the worker, or when it was asked.
        case found(Found)
    }

    /// What is to be done.
    enum Action: Sendable, Equatable {
        case drive(Operation)
        case publish(Event.Kind, process: ProcessName? = nil, pid: UInt32? = nil, exit: Exit? = nil)
        /// The command under way has succeeded.
        case succeed
        /// The command under way has failed with the driver's failure.
        case fail
        /// The container was removed.
        case forget
    }

    /// A call of the driver.
    enum Operation: Sendable, Equatable {
        case create, start, exec(ProcessName), pause, resume, update
        case shutDown, terminate, discard
    }

    /// The container is not in a state for the command.
    struct Refusal: Error, Equatable {
        var code: Failure.Code
        var message: String
    }

    /// A process whose start has not come back.
    struct Beginning: Sendable, Equatable {
        var name: ProcessName
        var exit: Exit?
    }

    // Only this type's own methods change these.
    var phase = Phase.new
    var pid: UInt32?
    /// The first process's exit: known to others once the compute system is down.
    var exit: Exit?
    var isUpdatePending = false
    var isStopping = false
    var processes: [ProcessName: ContainerRecord.Process] = [:]
    /// The first process's exit, while the compute system is still up.
    var seenExit: Exit?
    /// The process that is being started, and its exit where that came before the start's answer.
    var beginning: Beginning?
    /// Ids of the newest processes that have ended and whose name another one has taken since.
    var replaced: [UInt32] = []
    var isDeletedOnceDown = false
    var isDiscardedForFailedStart = false

    /// The state in its wire form.
    var wire: ContainerRecord.State {
        switch phase {
        case .new, .creating: .creating
        case .created, .starting: .created
        case .running: isStopping ? .stopping : .running
        case .paused: isStopping ? .stopping : .paused
        case .goingDown: .stopping
        case .stopped, .discarding, .gone: .stopped
        }
    }

    /// Whether the first process runs, as far as it has been published.
    var isLive: Bool { phase == .running || phase == .paused }

    /// The input for a driver call in line that was never made; nil without such a call.
    var failureOfCall: Input? {
        if let beginning { return .execFailed(beginning.name) }
        switch phase {
        case .creating: return .createFailed
        case .starting: return .startFailed(.unknown(reason: .startFailed, at: .now, observedBy: .worker))
        case .discarding: return .discardFailed
        case .created, .running, .paused: return .operationFailed
        // The first process has ended: its system is shut down, whatever command is under way.
        case .new, .goingDown, .stopped, .gone: return nil
        }
    }

    mutating func apply(_ input: Input) throws(Refusal) -> [Action] {
        switch input {
        case .create: return try begin(.create, from: [.new], to: .creating)
        case .start: return try begin(.start, from: [.created], to: .starting)
        case .exec(let name): return try beginExec(name)
        case .pause: return try begin(.pause, from: [.running])
        case .resume: return try begin(.resume, from: [.paused])
        case .update: return try begin(.update, from: [.created, .running, .paused])
        case .delete(let force): return try delete(force: force)
        case .stop: return try stop()
        case .created:
            phase = .created
            return [.publish(.create), .succeed]
        case .createFailed:
            phase = .gone
            return [.fail, .forget]
        case .started(let pid): return started(pid)
        case .startFailed(let exit):
            // Nothing may be left of a start that failed: the driver forgets the container, and its id is free again.
            phase = .discarding
            self.exit = exit
            isDiscardedForFailedStart = true
            return [.drive(.discard)]
        case .startGivenUp:
            phase = .created
            isStopping = false
            return [.fail]
        case .execStarted(let name, let pid): return execStarted(name, pid)
        case .execFailed:
            beginning = nil
            return [.fail]
        case .paused: return try changed(from: .running, to: .paused, .pause)
        case .resumed: return try changed(from: .paused, to: .running, .resume)
        case .updated: return [.publish(.update), .succeed]
        case .operationFailed: return [.fail]
        case .wentDown(let pending): return wentDown(pending)
        case .discarded:
            phase = .gone
            return [.publish(.delete, exit: exit), isDiscardedForFailedStart ? .fail : .succeed, .forget]
        case .discardFailed:
            // One that never ran has no exit, and is what it was.
            phase = exit == nil ? .created : .stopped
            isDiscardedForFailedStart = false
            return [.fail]
        case .terminateFailed:
            isStopping = false
            guard isDeletedOnceDown else { return [] }
            isDeletedOnceDown = false
            return [.fail]
        case .exited(let name, let exit):
            return name == .initial ? initialExited(exit) : execExited(name, exit)
        case .found(let found): return reconcile(found)
        }
    }

    // MARK: Commands

    private mutating func begin(
        _ operation: Operation, from phases: Set<Phase>, to next: Phase? = nil
    ) throws(Refusal) -> [Action] {
        guard phases.contains(phase), !isStopping || operation == .update else { throw refusal(operation) }
        if let next { phase = next }
        return [.drive(operation)]
    }

    private mutating func beginExec(_ name: ProcessName) throws(Refusal) -> [Action] {
        guard phase == .running, !isStopping else { throw refusal(.exec(name)) }
        guard processes[name]?.state != .running else {
            throw Refusal(code: .alreadyExists, message: "process \(name) runs already; give the new one another name")
        }
        beginning = Beginning(name: name)
        return [.drive(.exec(name))]
    }

    private mutating func delete(force: Bool) throws(Refusal) -> [Action] {
        switch phase {
        // Nothing runs in it, so there is nothing to be careful of.
        case .stopped, .created:
            phase = .discarding
            return [.drive(.discard)]
        case .running where force, .paused where force:
            isDeletedOnceDown = true
            isStopping = true
            return [.drive(.terminate)]
        case .goingDown where force:
            isDeletedOnceDown = true
            return [.drive(.terminate)]
        default:
            throw Refusal(
                code: .failedPrecondition,
                message:
                    "the container is \(wire.rawValue) and only a stopped one can be deleted; stop it, or give force")
        }
    }

    private mutating func stop() throws(Refusal) -> [Action] {
        switch phase {
        case .starting, .running, .paused:
            isStopping = true
            return []
        case .goingDown, .stopped, .discarding: return []
        case .created:
            throw Refusal(
                code: .failedPrecondition,
                message: "the container is created and has nothing to stop; start it, or delete it")
        default:
            throw Refusal(
                code: .failedPrecondition,
                message: "the container is being created; wait for that, and then delete it")
        }
    }

    private func refusal(_ operation: Operation) -> Refusal {
        if operation == .create {
            return Refusal(
                code: .alreadyExists,
                message: "the id is taken by a \(wire.rawValue) container; delete that one, or choose another id")
        }
        let verb =
            switch operation {
            case .exec: "run another process in"
            case .shutDown: "shut down"
            default: "\(operation)"
            }
        return Refusal(
            code: .failedPrecondition,
            message: "cannot \(verb) the container while it is \(wire.rawValue)")
    }

    // MARK: What driver calls came to

    mutating func started(_ pid: UInt32) -> [Action] {
        phase = .running
        self.pid = pid
        let begun: [Action] = [.publish(.start, process: .initial, pid: pid), .succeed]
        guard seenExit != nil else { return begun }
        phase = .goingDown
        return begun + [.drive(.shutDown)]
    }

    private mutating func execStarted(_ name: ProcessName, _ pid: UInt32) -> [Action] {
        let exit = beginning?.exit
        beginning = nil
        // The container went down while the call hung: no process of a container that has exited is published.
        guard phase != .stopped, phase != .discarding, phase != .gone else { return [.fail] }
        if let former = processes[name]?.pid { replaced = replaced.suffix(63) + [former] }
        processes[name] = ContainerRecord.Process(pid: pid)
        let begun: [Action] = [.publish(.exec, process: name, pid: pid), .succeed]
        guard let exit else { return begun }
        return begun + execExited(name, exit)
    }

    private mutating func changed(from: Phase, to: Phase, _ kind: Event.Kind) throws(Refusal) -> [Action] {
        // The host was asked meanwhile, and it was published then.
        if phase == to { return [.succeed] }
        guard phase == from else {
            // The first process has ended meanwhile; only its exit is left to publish.
            throw Refusal(
                code: .failedPrecondition,
                message: "the container ended while it was being \(to == .paused ? "paused" : "resumed")")
        }
        phase = to
        return [.publish(kind), .succeed]
    }

    mutating func wentDown(_ isUpdatePending: Bool) -> [Action] {
        guard phase == .goingDown, let seenExit else { return [] }
        var actions: [Action] = []
        // The driver has reported every exit by now. One that it did not report is unknown, and is
        // published as unknown.
        for (name, process) in processes.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where process.state == .running {
            actions += execExited(name, .unknown(reason: .terminated, at: seenExit.at, observedBy: .worker))
        }
        phase = .stopped
        isStopping = false
        exit = seenExit
        self.isUpdatePending = isUpdatePending
        actions.append(.publish(.exit, process: .initial, pid: pid, exit: seenExit))
        if isDeletedOnceDown {
            phase = .discarding
            actions.append(.drive(.discard))
        }
        return actions
    }

    // MARK: What the driver reports by itself

    private mutating func initialExited(_ exit: Exit) -> [Action] {
        guard seenExit == nil else { return [] }
        switch phase {
        case .creating, .starting:
            // The exit came before the start's result; it is published after `start`. The phase is `creating` if the
            // worker died right after it had created and started the container in one step.
            seenExit = exit
            return []
        case .running, .paused:
            seenExit = exit
            phase = .goingDown
            return [.drive(.shutDown)]
        default: return []
        }
    }

    private mutating func execExited(_ name: ProcessName, _ exit: Exit) -> [Action] {
        if beginning?.name == name {
            if beginning?.exit == nil { beginning?.exit = exit }
            return []
        }
        guard let process = processes[name], process.state == .running else { return [] }
        processes[name]?.state = .stopped
        processes[name]?.exit = exit
        forgetOldProcesses()
        return [.publish(.execExit, process: name, pid: process.pid, exit: exit)]
    }

    /// The most processes that have ended and are still remembered.
    static let rememberedProcesses = 1024

    private mutating func forgetOldProcesses() {
        guard processes.count > ContainerState.rememberedProcesses else { return }
        let ended = processes.filter { $0.value.state == .stopped }
        let oldest = ended.min { ($0.value.exit?.at ?? .epoch) < ($1.value.exit?.at ?? .epoch) }
        if let oldest { processes[oldest.key] = nil }
    }
}
