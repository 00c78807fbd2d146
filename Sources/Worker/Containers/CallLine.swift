import ContainerProtocol
import DequeModule

/// Calls of one kind that are made one after another, so that they keep their order and cannot take all threads.
struct CallLine {
    private struct Entry {
        /// The request that the call answers.
        var number: UInt64
        var start: () -> Void
        var refuse: (Failure) -> Void
    }

    /// The most that wait.
    static let limit = 64

    private var waiting = Deque<Entry>()
    private var isBusy = false

    /// Enters a call for request `number`, which `start` makes when its turn comes; `refuse` answers it where that never
    /// comes.
    /// - Returns: what to do now: start it, wait, or refuse it since too many wait.
    mutating func enter(
        _ number: UInt64, _ start: @escaping () -> Void, refuse: @escaping (Failure) -> Void
    ) -> Entrance {
        guard isBusy else {
            isBusy = true
            return .start
        }
        guard waiting.count < CallLine.limit else { return .full }
        waiting.append(Entry(number: number, start: start, refuse: refuse))
        return .waits
    }

    /// Whether a call may be made now.
    enum Entrance {
        case start, waits, full
    }

    /// A call has come back.
    /// - Returns: what makes the next one.
    mutating func advance() -> (() -> Void)? {
        guard let next = waiting.popFirst() else {
            isBusy = false
            return nil
        }
        return next.start
    }

    /// Takes out all calls that wait.
    /// - Returns: what answers them.
    mutating func removeAll() -> [(Failure) -> Void] {
        defer { waiting = Deque() }
        return waiting.map(\.refuse)
    }

    /// Takes out the waiting call of request `number`.
    mutating func remove(_ number: UInt64) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return false }
        waiting.remove(at: index)
        return true
    }
}
