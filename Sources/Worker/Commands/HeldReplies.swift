import DequeModule

/// Replies of one peer that reads too slowly, up to a bound.
struct HeldReplies {
    private var replies = Deque<(body: [UInt8], hasDelimiter: Bool)>()
    private var bytes = 0
    /// How many did not fit.
    private(set) var lost = 0

    /// Bytes that are kept.
    private static let limit = 1 << 20

    /// The one to send next.
    var first: (body: [UInt8], hasDelimiter: Bool)? { replies.first }

    /// Keeps a reply.
    /// - Returns: false where it does not fit and is lost.
    mutating func add(_ body: [UInt8], _ hasDelimiter: Bool) -> Bool {
        guard bytes + body.count <= HeldReplies.limit else {
            lost += 1
            return false
        }
        replies.append((body, hasDelimiter))
        bytes += body.count
        return true
    }

    /// The first has been sent.
    mutating func removeFirst() { bytes -= replies.popFirst()?.body.count ?? 0 }
}

/// Requests that wait for an exit, in the order they came. They cost no work, and have a budget of their own.
struct ParkedRequests {
    /// Their numbers; those that have been answered leave when they come up, or when they are many.
    private var numbers = Deque<UInt64>()
    /// How many wait.
    private(set) var count = 0

    mutating func add(_ number: UInt64) {
        numbers.append(number)
        count += 1
    }

    /// One has been answered.
    mutating func remove() { count -= 1 }

    /// Takes out the one that has waited longest.
    mutating func oldest(where isWaiting: (UInt64) -> Bool) -> UInt64? {
        while let number = numbers.popFirst() { if isWaiting(number) { return number } }
        return nil
    }

    /// Forgets those that have been answered, where they have become many.
    mutating func tidy(_ isWaiting: (UInt64) -> Bool) {
        guard numbers.count > 2 * count + 1024 else { return }
        numbers.removeAll { !isWaiting($0) }
    }
}
