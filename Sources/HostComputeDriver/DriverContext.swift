import ContainerDriver
import Synchronization

/// What all compute systems of one driver share.
final class DriverContext: Sendable {
    let host: HostCompute
    let owner: String
    let timeouts: Timeouts
    let signalNumbers: Signals.Numbers
    /// Whether the host has servicing runs, which merge a container's updates.
    let hasServicing: Bool

    private struct State {
        var events: (any DriverEvents)?
        /// Counts how often the service went away. Every handle of a generation reports the loss; it is forwarded once.
        var generation = 0
    }
    private let state = Mutex(State())

    init(
        host: HostCompute, owner: String, timeouts: Timeouts, signalNumbers: Signals.Numbers, hasServicing: Bool
    ) {
        self.host = host
        self.owner = owner
        self.timeouts = timeouts
        self.signalNumbers = signalNumbers
        self.hasServicing = hasServicing
    }

    func connect(_ events: any DriverEvents) {
        state.withLock { $0.events = events }
    }

    var events: (any DriverEvents)? { state.withLock { $0.events } }

    /// The generation of handles made now.
    var generation: Int { state.withLock { $0.generation } }

    /// The service went away under a handle of `generation`.
    func disconnected(_ generation: Int) {
        let events: (any DriverEvents)? = state.withLock { state in
            guard state.generation == generation else { return nil }
            state.generation += 1
            return state.events
        }
        events?.serviceDisconnected(HostComputeError("vmcompute", .disconnected).failure("every container"))
    }
}
