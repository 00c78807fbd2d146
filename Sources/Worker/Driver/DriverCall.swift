import Synchronization

/// One driver call: whether it still waits for a thread, has begun, or was taken back before it began.
final class DriverCall: Sendable {
    private enum State: UInt8, AtomicRepresentable {
        case waiting, begun, takenBack
    }

    private let state = Atomic(State.waiting)
    private let beginning = Mutex<ContinuousClock.Instant?>(nil)

    /// Takes the call back.
    /// - Returns: false where it has begun already.
    func takeBack() -> Bool {
        state.compareExchange(expected: .waiting, desired: .takenBack, ordering: .sequentiallyConsistent).exchanged
    }

    /// Begins, on the thread that makes the call.
    /// - Returns: false where it was taken back.
    func begin(at time: ContinuousClock.Instant) -> Bool {
        beginning.withLock { $0 = time }
        return state.compareExchange(expected: .waiting, desired: .begun, ordering: .sequentiallyConsistent).exchanged
    }

    /// When it was begun; nil while it waits for a thread.
    var begunAt: ContinuousClock.Instant? { beginning.withLock { $0 } }
}
