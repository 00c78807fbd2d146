/// What a body may demand of its decoder.
public struct Limits: Sendable {
    /// The most arrays and maps inside one another. msgpack-c's own stack ends at 32.
    public var depth: Int

    /// `depth` is at most 32.
    public init(depth: Int = 32) { self.depth = min(depth, 32) }
}
