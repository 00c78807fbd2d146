import CHostCompute
import ContainerDriver
import ContainerProtocol

extension ComputeSystem {
    /// Makes a process one whose exit is to be told.
    func adopt(_ process: ComputeProcess) {
        let down = withState { state in
            state.processes.append(process)
            return state.exited != nil
        }
        // The system's exit has come and gone: nobody else would look after this process.
        if down { enqueue { self.concludeProcesses() } }
    }

    /// Notes how a process ended.
    func note(_ exit: Exit, of name: ProcessName) {
        withState { state in
            if name == .initial {
                state.initialExit = exit
            } else {
                // As many as can have ended between a caller's look and its call.
                if state.ended.count >= 64 { state.ended.removeFirst(32) }
                state.ended.append(name)
            }
        }
    }

    /// Forgets a process: its exit has been told, or it was never started.
    func disown(_ process: ComputeProcess) {
        change { state in state.processes.removeAll { $0 === process } }
    }

    /// Keeps an output until the system closes: somebody in the container still writes to it.
    func keepUntilClosed(_ output: hc_stream) {
        let closed = withState { state in
            if !state.closed { state.outputs.append(output) }
            return state.closed
        }
        if closed { hc_stream_close(output) }
    }

    /// The system is gone, and with it every process: tells their exits, execs first. HCS promises no order of the two
    /// notifications, so a process of which it does not know better yet gets a little time.
    func concludeProcesses() {
        for process in withState({ $0.processes }).reversed() where !process.concludeIfGone() {
            later { process.concludeLost() }
        }
    }

    /// The standard inputs of the processes that run and have one.
    var inputs: [ProcessName: any ProcessInput] {
        var inputs: [ProcessName: any ProcessInput] = [:]
        for process in withState({ $0.processes }) where !process.isConcluded { inputs[process.name] = process.input }
        return inputs
    }

    /// What could not be had when it was opened again, once.
    func takeWarnings() -> [String] {
        withState { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    /// A process that runs.
    /// - Returns: nil where it has ended.
    func process(_ name: ProcessName) throws(DriverFailure) -> ComputeProcess? {
        let (process, ended, begun) = withState { state in
            (
                state.processes.last { $0.name == name },
                name == .initial ? state.initialExit != nil || state.closed : state.ended.contains(name),
                state.hasFirstProcess
            )
        }
        if process != nil || ended { return process }
        if name == .initial && !begun {
            throw DriverFailure(.failedPrecondition, "\(subject) has not been started; start it first")
        }
        throw DriverFailure(.notFound, "there is no process '\(name)' in \(subject)")
    }

    /// A process that runs; one that has ended is a failure too.
    func runningProcess(_ name: ProcessName) throws(DriverFailure) -> ComputeProcess {
        guard let process = try process(name) else {
            throw DriverFailure(.failedPrecondition, "process '\(name)' of \(subject) has ended")
        }
        return process
    }
}
