import Synchronization

/// How much longer calls take: spans drawn evenly from a range, the same ones in the same order for the same seed.
public final class Latency: Sendable {
    private let range: ClosedRange<Int64>
    private let state: Mutex<UInt64>

    /// Spans of whole microseconds in `range`.
    public init(_ range: ClosedRange<Duration>, seed: UInt64) {
        let lowest = max(0, range.lowerBound.wholeMicroseconds)
        self.range = lowest...max(lowest, range.upperBound.wholeMicroseconds)
        state = Mutex(seed)
    }

    /// The next span.
    public func next() -> Duration {
        // SplitMix64: any seed is good, and no two of its values follow each other alike.
        let bits = state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }
        let width = UInt64(range.upperBound - range.lowerBound) + 1
        return .microseconds(range.lowerBound + Int64(bits % width))
    }
}

extension Duration {
    /// Whole microseconds; what is longer than they can count is the longest.
    var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, more) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return overflow || more ? .max / 2 : sum
    }
}
