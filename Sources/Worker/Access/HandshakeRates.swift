/// How many handshakes are let through: of all principals together, and of each. Pure.
///
/// Each has a budget that grows with time, so that everyone may come back at once after a restart, and not for ever.
struct HandshakeRates {
    private struct Budget {
        var left: Double
        var at: ContinuousClock.Instant

        /// Takes one out, where there is one.
        mutating func take(perSecond: Double, most: Double, _ now: ContinuousClock.Instant) -> Bool {
            left = min(most, left + (now - at) / .seconds(1) * perSecond)
            at = now
            guard left >= 1 else { return false }
            left -= 1
            return true
        }
    }

    private var all: Budget?
    private var each: [String: Budget] = [:]
    private let limit: Double
    private let burst: Double
    private let principalLimit: Double
    private let principalBurst: Double

    /// - Parameters:
    ///   - perSecond: handshakes of all in a second; of each principal, a tenth of them.
    ///   - burst: handshakes of all that may come at once.
    ///   - principalBurst: handshakes of one principal that may come at once.
    init(perSecond: Int, burst: Int, principalBurst: Int) {
        limit = Double(perSecond)
        self.burst = Double(burst)
        principalLimit = max(1, Double(perSecond) / 10)
        self.principalBurst = Double(principalBurst)
    }

    /// A principal wants to come in.
    /// - Returns: whether it may now.
    mutating func admit(_ name: String, at now: ContinuousClock.Instant) -> Bool {
        if each.count > 1024 { each = each.filter { now - $0.value.at < .seconds(60) } }
        var own = each[name] ?? Budget(left: principalBurst, at: now)
        defer { each[name] = own }
        guard own.take(perSecond: principalLimit, most: principalBurst, now) else { return false }
        var shared = all ?? Budget(left: burst, at: now)
        defer { all = shared }
        return shared.take(perSecond: limit, most: burst, now)
    }
}
