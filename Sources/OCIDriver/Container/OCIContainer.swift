import ContainerDriver
import ContainerModel
import Glibc
import Threads

/// One container: its record, its supervisor and its processes.
///
/// The supervisor's notices come on the reactor's thread, calls of the port on threads that may block. Nothing is called
/// with the lock held.
final class OCIContainer: Sendable {
    struct State: Sendable {
        var file: ContainerFile
        var supervisor: (any Supervisor)?
        var processes: [ProcessName: SupervisedProcess] = [:]
        /// The greatest number of a process so far.
        var lastNumber: UInt32 = 0
        /// Whether the driver was asked to end it by force.
        var isTerminated = false
        /// How exits are seen: those that are known when a container is found again were not notified.
        var observer = Exit.Observer.driver
        /// Whether its end is under way: a supervisor that goes is then no surprise.
        var isEnding = false
    }

    let id: ContainerID
    let context: OCIContext
    let state: Watched<State>

    /// How long an init's exit waits for those of the execs, which the kernel ends with it.
    private static let execPatience: Int64 = 5000
    /// How long an exec's exit is kept after its report, in milliseconds.
    private static let keptAfterReport: Int64 = 20_000

    init(_ id: ContainerID, _ context: OCIContext, _ file: ContainerFile) {
        self.id = id
        self.context = context
        state = Watched(State(file: file))
    }

    var paths: ContainerPaths { context.paths(id) }
    var cgroup: ContainerCgroup { context.cgroup(id) }
    var file: ContainerFile { state.withLock(\.file) }
    var supervisor: (any Supervisor)? { state.withLock(\.supervisor) }
    var subject: String { "container '\(id)'" }

    func process(_ name: ProcessName) -> SupervisedProcess? { state.withLock { $0.processes[name] } }
    var initial: SupervisedProcess? { process(.initial) }

    /// Changes the record, on the disk first.
    func record(_ change: (inout ContainerFile) -> Void) throws(DriverFailure) {
        var file = file
        change(&file)
        do throws(HostError) {
            try HostFile.replace(paths.record, with: file.bytes)
        } catch {
            throw error.failure
        }
        state.withLock { $0.file = file }
    }

    /// The supervisor, where it can be asked.
    func requireSupervisor() throws(DriverFailure) -> any Supervisor {
        if let supervisor, supervisor.isConnected { return supervisor }
        throw DriverFailure(
            .failedPrecondition,
            "the supervisor of \(subject) has ended, so no more can be done with it but signal, stop and delete it")
    }

    // MARK: Output and exits

    /// Reads on.
    func read(_ process: SupervisedProcess, from offset: UInt64) {
        guard let number = process.number else { return process.stopReading() }
        supervisor?.read(number, from: offset)
    }

    /// Reports a process's exit once all that belongs before it has been reported.
    func settle(_ process: SupervisedProcess) {
        guard process.isComplete else { return forgetIfDone(process) }
        if process.name == .initial {
            let others = state.withLock { $0.processes.values.filter { $0.name != .initial && $0.owesExit } }
            guard others.isEmpty else {
                return context.reactor.schedule(after: OCIContainer.execPatience) { [weak self] in self?.concludeExecs()
                }
            }
        }
        report(process)
    }

    private func report(_ process: SupervisedProcess) {
        guard let exit = process.takeReport() else { return forgetIfDone(process) }
        context.events?.processExited(id, process.name, exit)
        state.withLock { _ in }
        forgetIfDone(process)
        // The first process's exit may have waited for this one.
        if process.name != .initial, let initial, initial.isComplete { settle(initial) }
    }

    /// An exec whose exit does not come although the first process has ended holds up nothing for ever.
    private func concludeExecs() {
        let others = state.withLock { $0.processes.values.filter { $0.name != .initial && $0.owesExit } }
        for process in others {
            process.note(.unknown(reason: .lost, at: .now, observedBy: .driver))
            report(process)
        }
        if let initial, initial.isComplete { report(initial) }
    }

    /// Of an exec that has ended nothing is kept for long: until the worker has surely recorded its exit, since a worker
    /// that dies before that leaves it to the next one.
    private func forgetIfDone(_ process: SupervisedProcess) {
        guard process.name != .initial, process.isReported, process.hasAllOutput, process.beginForgetting() else {
            return
        }
        context.reactor.schedule(after: OCIContainer.keptAfterReport) { [weak self] in self?.forget(process) }
    }

    /// Forgets every exec that has ended, because no more are kept.
    func forgetAllDone() {
        for process in state.withLock({ Array($0.processes.values) })
        where process.name != .initial && process.isReported && process.hasAllOutput { forget(process) }
    }

    private func forget(_ process: SupervisedProcess) {
        let isForgotten = state.withLock { state in
            guard state.processes[process.name] === process else { return false }
            state.processes[process.name] = nil
            return true
        }
        if isForgotten, let number = process.number { supervisor?.forget(number) }
    }

    /// Notes the exit that a supervisor has recorded.
    func noteExit(_ known: SupervisedState, of process: SupervisedProcess, observedBy observer: Exit.Observer) {
        let isTerminated = state.withLock(\.isTerminated)
        let exit = ExitStatus.exit(
            known.waitStatus, isOutOfMemory: known.isOutOfMemory, isTerminated: isTerminated, at: known.exitedAt,
            observedBy: observer)
        process.note(exit)
    }

    /// Waits until every process's exit has been reported.
    func waitForExits(milliseconds: Int) -> Bool {
        state.wait(milliseconds: milliseconds) { state in
            state.processes.values.contains(where: \.owesExit) ? nil : true
        } ?? false
    }
}

extension OCIContainer: SupervisorWatcher {
    func processChanged(_ known: SupervisedState) {
        let process = state.withLock { state in
            if let process = state.processes[known.name] { return process }
            let process = SupervisedProcess(known.name, hasTerminal: known.hasTerminal)
            state.processes[known.name] = process
            return process
        }
        guard process.note(known) else { return }
        state.withLock { $0.lastNumber = max($0.lastNumber, known.number) }
        if known.phase == .exited { noteExit(known, of: process, observedBy: state.withLock(\.observer)) }
        // Wakes those who wait for it.
        state.withLock { _ in }
        if known.phase >= .running, let offset = process.beginReading() { read(process, from: offset) }
        if known.phase == .exited, process.isWanted { settle(process) }
    }

    func outputArrived(_ number: UInt32, _ piece: OutputPiece) {
        guard let process = state.withLock({ $0.processes.values.first { $0.number == number } }) else { return }
        pass(piece, of: process, number)
        settle(process)
    }

    /// While its reader takes nothing, the process is held back as by a full pipe, also beyond this worker's life.
    private func pass(_ piece: OutputPiece, of process: SupervisedProcess, _ number: UInt32) {
        let offset = piece.next
        let next = process.pass(piece) { [weak self] in
            guard let self else { return }
            supervisor?.keep(number, false)
            read(process, from: offset)
        }
        switch next {
        case .read(let offset): read(process, from: offset)
        case .stop: supervisor?.keep(number, true)
        case .end: break
        }
    }

    func supervisorVanished() {
        let isEnding = state.withLock { state in
            state.supervisor = nil
            return state.isEnding
        }
        if !isEnding { context.background.run { [self] in adoptOrphans() } }
    }
}
