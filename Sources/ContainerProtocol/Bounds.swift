import ContainerModel
import MessagePack

/// The bounds of what a request may hold. What lies beyond one is refused with `invalid_argument`, never cut.
///
/// A body's own bounds are the size that the worker's configuration allows and `MessagePack.Limits`.
public enum Bounds {
    /// `msgid`.
    public static let msgid: ClosedRange<UInt64> = 0...UInt64(UInt32.max)
    /// Keys in a request's map.
    public static let keys = 0...64
    /// Bytes of `request_id`.
    public static let requestID = 1...128
    /// Bytes of `traceparent`.
    public static let traceparent = 1...512
    /// `timeout_ms`, `grace_ms` and `deadline_ms`: up to a year of 365 days, since a longer wait is a mistake.
    public static let milliseconds: ClosedRange<UInt64> = 0...31_536_000_000
    /// Bytes of a container id or a process name.
    public static let name = Name.length
    /// Container ids in `ids`.
    public static let ids = 0...10_000
    /// Entries of `labels`. They go with every event of their container.
    public static let labels = 0...64
    /// Bytes of the keys and values of `labels`, all together.
    public static let labelBytes = 0...4096
    /// `limit` of `list`, `snapshot` and `events`: entries of one page. The worker ends a page earlier when its bytes
    /// would be too many.
    public static let page: ClosedRange<UInt64> = 1...100_000
    /// `limit` of `logs`: bytes of one answer. The worker ends it earlier when they would be too many for a message.
    public static let logBytes: ClosedRange<UInt64> = 1...UInt64(Int32.max)
    /// `tail` of `logs`: lines.
    public static let tail: ClosedRange<UInt64> = 0...UInt64(Int32.max)
    /// `credit` of `attach` and `bytes` of `credit`: more than any output, and sums of it cannot overflow.
    public static let credit: ClosedRange<UInt64> = 0...1 << 40
    /// `width` and `height` of `resize`.
    public static let consoleSide: ClosedRange<UInt64> = 1...65_535
    /// `signal` as a number. 0 is no signal.
    public static let signal: ClosedRange<Int> = 1...64
    /// Characters of `signal` as a name, without `SIG`.
    public static let signalName = 1...32
    /// Names in an `ignored` list. If there are more, a last entry gives their number.
    public static let ignored = 0...256
}
