import Synchronization

/// What the opaque handles of the table stand for.
final class HandleTable: Sendable {
    enum Target: Sendable {
        case system(ComputeSystem)
        case process(ComputeProcess)
        case systemCallback(Registration, ComputeSystem)
        case processCallback(Registration, ComputeProcess)
        /// It belonged to a service that was restarted.
        case dead

        var isSystem: Bool {
            switch self {
            case .system, .dead: true
            default: false
            }
        }

        var isProcess: Bool {
            switch self {
            case .process, .dead: true
            default: false
            }
        }
    }

    private struct State {
        var targets: [UInt: Target] = [:]
        // Handles are never used twice, so that a stale one is refused and never means something else.
        var last: UInt = 0x1000
    }

    private let state = Mutex(State())

    /// Gives a handle to the target that `make` returns for it.
    func add(_ make: (UInt) -> Target) -> UInt {
        state.withLock { state in
            state.last += 8
            state.targets[state.last] = make(state.last)
            return state.last
        }
    }

    subscript(handle: UInt) -> Target? {
        state.withLock { $0.targets[handle] }
    }

    /// Forgets the handle and returns what it stood for; nil when it was not open or is not `fitting`.
    func remove(_ handle: UInt, where fitting: (Target) -> Bool) -> Target? {
        state.withLock { state in
            guard let target = state.targets[handle], fitting(target) else { return nil }
            state.targets[handle] = nil
            return target
        }
    }

    /// Turns the handles of systems and processes into dead ones and returns what all stood for. Callbacks stay, since
    /// their owners still have to wait for those that run.
    func killAll() -> [UInt: Target] {
        state.withLock { state in
            let targets = state.targets
            state.targets = targets.mapValues { target in
                switch target {
                case .system, .process, .dead: .dead
                case .systemCallback, .processCallback: target
                }
            }
            return targets
        }
    }
}
