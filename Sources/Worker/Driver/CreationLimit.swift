import DequeModule

/// How many creations and starts may run on the host at a time: start storms kill Windows hosts.
///
/// Lives on the socket loop, like all that calls it.
actor CreationLimit {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let limit: Int
    private var running = 0
    private var waiting = Deque<@Sendable () -> Void>()

    init(_ limit: Int, on executor: UnownedSerialExecutor) {
        self.limit = max(1, limit)
        unownedExecutor = executor
    }

    /// Runs `creation` now or when others have left, in order of arrival.
    func enter(_ creation: @escaping @Sendable () -> Void) {
        guard running < limit else {
            waiting.append(creation)
            return
        }
        running += 1
        creation()
    }

    /// A creation is over, or stuck.
    func leave() {
        if let next = waiting.popFirst() {
            next()
        } else {
            running -= 1
        }
    }

    /// How many wait.
    var queued: Int { waiting.count }
}
