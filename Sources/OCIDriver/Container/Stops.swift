import Synchronization

/// The stops of one piece of output: reading goes on once each of them has been resumed.
final class Stops: Sendable {
    private struct State {
        /// Writes that have stopped and have not been resumed; a resumption may come before the stop is counted.
        var open = 0
        var isSealed = false
        var isResumed = false
    }

    private let state = Mutex(State())
    private let resume: @Sendable () -> Void

    init(_ resume: @escaping @Sendable () -> Void) { self.resume = resume }

    /// What resumes a write that has stopped.
    var resumption: @Sendable () -> Void {
        { [self] in change(by: -1) }
    }

    /// A write has stopped.
    func stop() { change(by: 1) }

    /// No more writes come.
    /// - Returns: whether reading must wait; `resume` is then called once.
    func seal() -> Bool {
        state.withLock { state in
            state.isSealed = true
            if state.open <= 0 { state.isResumed = true }
            return state.open > 0
        }
    }

    private func change(by difference: Int) {
        let mustResume = state.withLock { state in
            state.open += difference
            guard state.isSealed, !state.isResumed, state.open <= 0 else { return false }
            state.isResumed = true
            return true
        }
        if mustResume { resume() }
    }
}
