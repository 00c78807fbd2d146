import Dispatch
import Synchronization

/// A deliberate hang, which lasts until it is released.
public final class Stall: Sendable {
    private struct State {
        var released = false
        var waiting = 0
    }

    private let state = Mutex(State())
    private let passage = DispatchSemaphore(value: 0)
    private let arrival = DispatchSemaphore(value: 0)

    /// A stall that holds every call until it is released.
    public init() {}

    /// Releases all waiting calls; later calls are not held.
    public func release() {
        let waiting = state.withLock { state in
            state.released = true
            defer { state.waiting = 0 }
            return state.waiting
        }
        for _ in 0..<waiting { passage.signal() }
    }

    /// Blocks the calling thread until a call has arrived at the stall; each arrival lets one waiter go.
    public func waitForArrival() {
        arrival.wait()
    }

    func hold() {
        let held = state.withLock { state in
            if !state.released { state.waiting += 1 }
            return !state.released
        }
        arrival.signal()
        if held { passage.wait() }
    }
}
