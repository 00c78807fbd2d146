import ContainerDriver

/// What is counted of driver calls. Plain integers, on the loop only.
struct DriverFigures {
    /// What is counted of one operation.
    struct OfOperation {
        /// How long its calls took, without the wait for a thread.
        var durations = Histogram(.calls)
        var failed: [DriverFailure.Code: UInt64] = [:]
    }

    private(set) var operations: [CallKind: OfOperation] = [:]
    /// Calls that were made and have not come back.
    private(set) var inFlight = 0
    /// Those of them that have outlived their watchdog.
    private(set) var stuck = 0

    /// A call is made.
    mutating func began() { inFlight += 1 }

    /// A call has outlived its watchdog (true), or has come back after that (false).
    mutating func stuck(_ isStuck: Bool) { stuck += isStuck ? 1 : -1 }

    /// A call has come back.
    /// - Parameters:
    ///   - duration: how long it took; nil where it was never begun.
    ///   - failure: nil where it succeeded.
    mutating func ended(_ operation: CallKind?, after duration: Duration?, _ failure: DriverFailure.Code?) {
        inFlight -= 1
        guard let operation else { return }
        if let duration { operations[operation, default: OfOperation()].durations.observe(duration) }
        if let failure { operations[operation, default: OfOperation()].failed[failure, default: 0] += 1 }
    }
}
