/// A process that was started.
public struct StartedProcess: Sendable {
    /// Its id.
    public var pid: UInt32
    /// Its standard input; nil where it has none.
    public var input: (any ProcessInput)?

    /// A process that was started.
    public init(pid: UInt32, input: (any ProcessInput)? = nil) {
        self.pid = pid
        self.input = input
    }
}
