public import ContainerDriver
public import ContainerModel
import Dispatch
import Synchronization

/// Remembers the exits that a driver reports, in their order, and lets a test wait for them.
public final class ExitRecorder: DriverEvents {
    /// One exit.
    public struct Reported: Sendable, Equatable {
        public var id: ContainerID
        public var process: ProcessName
        public var exit: Exit
    }

    private struct State {
        var exits: [Reported] = []
        var waiting: [DispatchSemaphore] = []
    }

    private let state = Mutex(State())

    /// Nothing yet.
    public init() {}

    public func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit) {
        let waiting = state.withLock { state in
            state.exits.append(Reported(id: id, process: process, exit: exit))
            defer { state.waiting = [] }
            return state.waiting
        }
        for semaphore in waiting { semaphore.signal() }
    }

    public func serviceDisconnected(_ failure: DriverFailure) {}

    /// All exits so far.
    public var exits: [Reported] { state.withLock(\.exits) }

    /// Waits for a process's exit; nil where it does not come.
    public func exit(_ id: ContainerID, _ process: ProcessName = .initial) -> Exit? {
        let deadline = DispatchTime.now() + .seconds(30)
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let found = state.withLock { state in
                let found = state.exits.first { $0.id == id && $0.process == process }
                if found == nil { state.waiting.append(semaphore) }
                return found
            }
            if let found { return found.exit }
            guard semaphore.wait(timeout: deadline) == .success else { return nil }
        }
    }
}
