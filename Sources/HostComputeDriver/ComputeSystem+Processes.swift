import CHostCompute
import ContainerDriver
import ContainerModel

extension ComputeSystem {
    /// Adds a process whose exit must be reported.
    func adopt(_ process: ComputeProcess) {
        let down = withState { state in
            state.processes.append(process)
            return state.exited != nil
        }
        // The system's exit was handled before this process was added, so its exit is concluded here.
        if down { enqueue { self.concludeProcesses() } }
    }

    /// Records how a process ended.
    func note(_ exit: Exit, of name: ProcessName) {
        withState { state in
            if name == .initial {
                state.initialExit = exit
            } else {
                // Enough for the execs that can end between a caller's look-up and its call.
                if state.ended.count >= 64 { state.ended.removeFirst(32) }
                state.ended.append(name)
            }
        }
    }

    /// Forgets a process whose exit has been reported, or which was never started.
    func disown(_ process: ComputeProcess) {
        change { state in state.processes.removeAll { $0 === process } }
    }

    /// Keeps an output open until the system closes, because a process in the container still writes to it.
    func keepUntilClosed(_ output: hc_stream) {
        let closed = withState { state in
            if !state.closed { state.outputs.append(output) }
            return state.closed
        }
        if closed { hc_stream_close(output) }
    }

    /// Reports the exits of all processes after the system has ended, execs first. HCS promises no order of the
    /// notifications, so a process that HCS does not report as gone yet is asked for again later.
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

    /// Returns the warnings of the last opening, and clears them.
    func takeWarnings() -> [String] {
        withState { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    /// Looks a process up by its name.
    /// - Returns: nil if the process has ended.
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

    /// Looks a running process up; fails if the process has ended.
    func runningProcess(_ name: ProcessName) throws(DriverFailure) -> ComputeProcess {
        guard let process = try process(name) else {
            throw DriverFailure(.failedPrecondition, "process '\(name)' of \(subject) has ended")
        }
        return process
    }
}
