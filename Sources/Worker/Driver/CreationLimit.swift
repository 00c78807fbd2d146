import OrderedCollections

/// How many creations and starts may run on the host at a time: start storms kill Windows hosts. On the loop only.
final class CreationLimit {
    private let limit: Int
    private var running = 0
    private var waiting: OrderedDictionary<UInt64, () -> Void> = [:]
    private var lastNumber: UInt64 = 0

    /// At most `limit` at a time.
    init(_ limit: Int) { self.limit = max(1, limit) }

    /// Runs `creation` now or when others have left, in order of arrival.
    /// - Returns: a number to leave the line by; nil where it runs already.
    func enter(_ creation: @escaping () -> Void) -> UInt64? {
        guard running < limit else {
            lastNumber += 1
            waiting[lastNumber] = creation
            return lastNumber
        }
        running += 1
        creation()
        return nil
    }

    /// Leaves the line.
    /// - Returns: false where the creation has begun.
    func leaveLine(_ number: UInt64) -> Bool { waiting.removeValue(forKey: number) != nil }

    /// A creation is over, or stuck.
    func leave() {
        if waiting.isEmpty {
            running -= 1
        } else {
            waiting.removeFirst().value()
        }
    }
}
