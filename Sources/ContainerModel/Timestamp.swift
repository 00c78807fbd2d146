#if canImport(Glibc)
    import Glibc
#elseif canImport(ucrt)
    import Foundation
#endif

/// An instant in UTC, to the nanosecond.
public struct Timestamp: Hashable, Sendable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let seconds: Int64
    /// Nanoseconds after `seconds`: 0 to 999,999,999.
    public let nanoseconds: UInt32

    /// Nil where `nanoseconds` is a second or more.
    public init?(seconds: Int64, nanoseconds: UInt32) {
        guard nanoseconds < 1_000_000_000 else { return nil }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    private init(trustedSeconds: Int64, nanoseconds: UInt32) {
        self.seconds = trustedSeconds
        self.nanoseconds = nanoseconds
    }

    /// The start of 1970.
    public static let epoch = Timestamp(trustedSeconds: 0, nanoseconds: 0)

    /// The time that the host's clock shows.
    public static var now: Timestamp {
        #if canImport(Glibc)
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Timestamp(trustedSeconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
        #else
            let interval = Date().timeIntervalSince1970
            let seconds = interval.rounded(.down)
            let fraction = UInt32((interval - seconds) * 1_000_000_000)
            return Timestamp(trustedSeconds: Int64(seconds), nanoseconds: min(fraction, 999_999_999))
        #endif
    }

    /// The instant `duration` later, to the nanosecond; what lies beyond all seconds is the last of them.
    public func advanced(by duration: Duration) -> Timestamp {
        let parts = duration.components
        // Both parts of a duration have its sign.
        let sum = Int64(nanoseconds) + parts.attoseconds / 1_000_000_000
        let carry: Int64 = sum < 0 ? -1 : sum / 1_000_000_000
        let (later, isOver) = seconds.addingReportingOverflow(parts.seconds)
        let (carried, isOverAgain) = later.addingReportingOverflow(carry)
        guard !isOver, !isOverAgain else {
            return Timestamp(trustedSeconds: duration < .zero ? .min : .max, nanoseconds: 0)
        }
        return Timestamp(trustedSeconds: carried, nanoseconds: UInt32(sum - carry * 1_000_000_000))
    }

    /// How long after `other` it is; never below zero.
    public func duration(since other: Timestamp) -> Duration {
        let difference =
            Duration.seconds(seconds.subtractingReportingOverflow(other.seconds).partialValue)
            + .nanoseconds(Int64(nanoseconds) - Int64(other.nanoseconds))
        return max(.zero, difference)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}
