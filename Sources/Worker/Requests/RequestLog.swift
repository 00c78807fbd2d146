import DequeModule

/// Idempotent requests: the digest of each, and whether it has been answered.
///
/// The answers themselves are in the journal. Used on the loop only.
struct RequestLog {
    /// How a request relates to the earlier ones with its id.
    enum Standing {
        case new
        /// It differs from the first request with this id.
        case other
        case running
        case answered
    }

    private struct Entry {
        var digest: ContentDigest
        var second: Int64
        /// The numbers of the requests that ask for the same and wait for its answer; nil where it has been answered.
        var waiting: [UInt64]?
    }

    private var entries: [RequestKey: Entry] = [:]
    /// The keys of those that have been answered, by principal, oldest answer first.
    private var answered: [String: Deque<RequestKey>] = [:]
    private var answeredCount = 0
    /// When old answers were looked for the last time.
    private var lastLook: Int64?
    /// Requests that run, by the number of the first.
    private var running: [UInt64: RequestKey] = [:]
    /// Requests that wait for another request's answer, and that request's key.
    private var joined: [UInt64: RequestKey] = [:]
    private let limit: Int
    private let age: Int64

    init(limit: Int, age: Duration) {
        self.limit = limit
        self.age = age.components.seconds
    }

    func standing(of key: RequestKey, _ digest: ContentDigest) -> Standing {
        guard let entry = entries[key] else { return .new }
        if entry.digest != digest { return .other }
        return entry.waiting == nil ? .answered : .running
    }

    /// Records that a new request runs as `number`.
    mutating func begin(_ request: StoredRequest, _ number: UInt64) {
        entries[request.key] = Entry(digest: request.digest, second: request.second, waiting: [])
        running[number] = request.key
    }

    /// Makes a repeat wait for the answer of the running request.
    mutating func join(_ key: RequestKey, _ number: UInt64) {
        guard entries[key]?.waiting != nil else { return }
        entries[key]?.waiting?.append(number)
        joined[number] = key
    }

    /// Removes a waiting repeat whose deadline has passed.
    mutating func leave(_ number: UInt64) {
        guard let key = joined.removeValue(forKey: number) else { return }
        entries[key]?.waiting?.removeAll { $0 == number }
    }

    /// The request that runs as `number`; nil if it is not idempotent.
    func key(of number: UInt64) -> RequestKey? { running[number] }

    /// What runs as `number` has been answered.
    /// - Parameter isKept: whether the answer stands; else the request may be made again.
    /// - Returns: the numbers of the other requests that wait for the answer.
    mutating func finish(_ number: UInt64, isKept: Bool) -> [UInt64] {
        guard let key = running.removeValue(forKey: number) else { return [] }
        let waiting = entries[key]?.waiting ?? []
        for number in waiting { joined[number] = nil }
        if isKept {
            entries[key]?.waiting = nil
            remember(key)
        } else {
            entries[key] = nil
        }
        return waiting
    }

    private mutating func remember(_ key: RequestKey) {
        answered[key.principal, default: []].append(key)
        answeredCount += 1
    }

    /// Forgets the answers beyond the limits. Running requests are not affected. The principal with the most answers
    /// makes room: however many requests it makes, those of others are remembered.
    /// - Returns: the keys of the forgotten answers.
    mutating func trim(now: Int64) -> [RequestKey] {
        var forgotten: [RequestKey] = []
        while answeredCount > limit, let most = answered.max(by: { $0.value.count < $1.value.count })?.key {
            forgetOldest(of: most, &forgotten)
        }
        // Whole seconds: more often there is nothing to find.
        guard now != lastLook else { return forgotten }
        lastLook = now
        for principal in answered.keys {
            while let oldest = answered[principal]?.first, entries[oldest]?.second ?? 0 < now - age {
                forgetOldest(of: principal, &forgotten)
            }
        }
        return forgotten
    }

    private mutating func forgetOldest(of principal: String, _ forgotten: inout [RequestKey]) {
        guard let key = answered[principal]?.popFirst() else { return }
        if answered[principal]?.isEmpty ?? false { answered[principal] = nil }
        answeredCount -= 1
        entries[key] = nil
        forgotten.append(key)
    }

    // MARK: After a start of the worker

    /// Restores the requests from the journal.
    mutating func restore(_ requests: [StoredRequest]) {
        for request in requests {
            entries[request.key] = Entry(
                digest: request.digest, second: request.second, waiting: request.isAnswered ? nil : [])
            if request.isAnswered { remember(request.key) }
        }
    }

    /// Continues a request that ran when the previous worker died, as `number`.
    mutating func resume(_ key: RequestKey, _ number: UInt64) {
        if entries[key]?.waiting != nil { running[number] = key }
    }
}
