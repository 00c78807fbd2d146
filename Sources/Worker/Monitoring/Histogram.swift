/// How often something took how long: a counter for each bucket. Pure.
struct Histogram {
    /// The upper bounds of buckets, and how the metrics write them.
    struct Bounds: Sendable {
        /// In nanoseconds, rising.
        let nanoseconds: [Int64]
        /// The same in seconds, as text.
        let labels: [String]

        /// Bounds that are given in seconds, as the metrics write them.
        private init(_ labels: [String]) {
            self.labels = labels
            nanoseconds = labels.map { Int64(((Double($0) ?? 0) * 1e9).rounded()) }
        }

        /// For requests: from a look-up to a start that waits.
        static let requests = Bounds([
            "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10",
        ])
        /// For driver calls: a start on Windows takes up to 20 s, and an end up to two minutes.
        static let calls = Bounds([
            "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30",
            "60",
            "120", "300",
        ])
        /// For commits and turns of the loop.
        static let turns = Bounds([
            "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.05", "0.25", "1",
        ])
    }

    let bounds: Bounds
    /// For each bound, how many were within it and beyond the one before; the last is of those beyond all bounds.
    private(set) var counts: [UInt64]
    /// The sum of all, in nanoseconds.
    private(set) var sum: UInt64 = 0

    init(_ bounds: Bounds) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.nanoseconds.count + 1)
    }

    /// How many there were.
    var count: UInt64 { counts.reduce(0, +) }

    /// One more has taken `duration`.
    mutating func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        // Clocks of different threads may differ by a little: what seems to have ended before it began took no time.
        let nanoseconds = max(0, min(seconds, 1_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000)
        let place = bounds.nanoseconds.firstIndex { nanoseconds <= $0 } ?? bounds.nanoseconds.count
        counts[place] += 1
        sum += UInt64(nanoseconds)
    }

    /// `times` more have taken no time that is worth a look at the clock.
    mutating func observeNothing(times: UInt64) { counts[0] += times }
}
