import ContainerDriver
import ContainerModel
import Dispatch
import Synchronization

/// What a driver told of the containers of one schedule, and how much of a process's output was there by then.
final class ScheduleEvents: DriverEvents {
    struct Told {
        var process: ProcessName
        var exit: Exit
        /// The bytes of standard output that had been handed over when the exit was told.
        var output: Int
    }
    private struct State {
        var told: [ContainerID: [Told]] = [:]
        var outputs: [ContainerID: [ProcessName: OutputRecorder]] = [:]
        var disconnects = 0
        var waiters: [DispatchSemaphore] = []
    }
    private let state = Mutex(State())

    /// The output of a process that is about to be started.
    func output(_ id: ContainerID, _ process: ProcessName) -> OutputRecorder {
        let output = OutputRecorder()
        state.withLock { $0.outputs[id, default: [:]][process] = output }
        return output
    }

    func outputs(_ id: ContainerID) -> [ProcessName: OutputRecorder] { state.withLock { $0.outputs[id] ?? [:] } }

    func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit) {
        let waiters = state.withLock { state in
            let output = state.outputs[id]?[process]?.count() ?? 0
            state.told[id, default: []].append(Told(process: process, exit: exit, output: output))
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.signal() }
    }

    func serviceDisconnected(_ failure: DriverFailure) { state.withLock { $0.disconnects += 1 } }

    var disconnects: Int { state.withLock { $0.disconnects } }

    func told(_ id: ContainerID) -> [Told] { state.withLock { $0.told[id] ?? [] } }

    /// Waits for the exit of the first process, but not for long: it may be lost.
    func awaitInitial(_ id: ContainerID, _ timeout: DispatchTimeInterval) {
        let deadline = DispatchTime.now() + timeout
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let told = state.withLock { state in
                let told = (state.told[id] ?? []).contains { $0.process == .initial }
                if !told { state.waiters.append(semaphore) }
                return told
            }
            if told || semaphore.wait(timeout: deadline) == .timedOut { return }
        }
    }
}
