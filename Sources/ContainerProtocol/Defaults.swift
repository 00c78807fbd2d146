/// What a request means that leaves a key out.
public enum Defaults {
    /// `grace_ms` of `stop`.
    public static let grace: UInt64 = 10_000
    /// `limit` of `list`, `snapshot` and `events`.
    public static let page: UInt64 = 1000
    /// `limit` of `logs`.
    public static let logBytes: UInt64 = 256 * 1024
}
