import ContainerProtocol

/// What is counted of requests. Plain integers, on the loop only.
struct RequestFigures {
    /// What is counted of one method.
    struct OfMethod {
        var succeeded: UInt64 = 0
        var failed: [Failure.Code: UInt64] = [:]
        /// From arrival to reply.
        var durations = Histogram(.requests)
    }

    private var methods: [Method: OfMethod] = [:]
    /// Answers to messages that are no request of a known method.
    private(set) var others: [Failure.Code: UInt64] = [:]
    /// Requests that got the answer of an earlier one with the same `request_id`.
    private(set) var repeated: UInt64 = 0
    /// `state`, answered in the turn that brought it.
    private var found: UInt64 = 0
    private var missing: UInt64 = 0

    /// What is counted of `method`.
    func of(_ method: Method) -> OfMethod {
        var figures = methods[method] ?? OfMethod()
        guard method == .state else { return figures }
        figures.succeeded += found
        if missing > 0 { figures.failed[.notFound, default: 0] += missing }
        figures.durations.observeNothing(times: found + missing)
        return figures
    }

    /// A request has its reply.
    /// - Parameter failure: nil where it succeeded.
    mutating func answered(_ method: Method, _ failure: Failure.Code?, after duration: Duration) {
        if let failure {
            methods[method, default: OfMethod()].failed[failure, default: 0] += 1
        } else {
            methods[method, default: OfMethod()].succeeded += 1
        }
        guard method.isTimed else { return }
        methods[method, default: OfMethod()].durations.observe(duration)
    }

    /// A request was refused before it was admitted.
    /// - Parameter method: nil where the message names none that there is.
    mutating func refused(_ method: Method?, _ failure: Failure.Code) {
        if let method {
            methods[method, default: OfMethod()].failed[failure, default: 0] += 1
        } else {
            others[failure, default: 0] += 1
        }
    }

    /// A `state` was answered in the turn that brought it: the most frequent request by far, and so the cheapest count.
    mutating func lookedUp(isFound: Bool) { if isFound { found += 1 } else { missing += 1 } }

    /// A request gets the answer of an earlier one.
    mutating func repeats() { repeated += 1 }
}

extension Method {
    /// Whether the time until its reply says something about the worker: what waits for an exit or follows output lasts
    /// as long as a container does.
    var isTimed: Bool { !traits.waitsForExit && self != .attach }
}
