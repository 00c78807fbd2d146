import DequeModule

/// How many calls of one sort may run on the host at a time. On the loop only.
final class CallLimit {
    private let limit: Int
    private var running = 0
    /// The numbers of calls that wait, in order of arrival; those that have left the line are skipped.
    private var order = Deque<UInt64>()
    private var waiting: [UInt64: () -> Void] = [:]
    private var lastNumber: UInt64 = 0

    /// At most `limit` at a time.
    init(_ limit: Int) { self.limit = max(1, limit) }

    /// How many wait.
    var waitingCount: Int { waiting.count }

    /// Runs `call` now or when others have left, in order of arrival.
    /// - Returns: a number to leave the line by; nil where it runs already.
    func enter(_ call: @escaping () -> Void) -> UInt64? {
        guard running < limit else {
            lastNumber += 1
            order.append(lastNumber)
            waiting[lastNumber] = call
            return lastNumber
        }
        running += 1
        call()
        return nil
    }

    /// Leaves the line.
    /// - Returns: false where the call has begun.
    func leaveLine(_ number: UInt64) -> Bool { waiting.removeValue(forKey: number) != nil }

    /// A call is over, or stuck.
    func leave() {
        while let number = order.popFirst() {
            guard let call = waiting.removeValue(forKey: number) else { continue }
            return call()
        }
        running -= 1
    }
}
