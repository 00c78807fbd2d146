/// A process that was started.
public struct StartedProcess: Sendable {
    /// Its id.
    public var pid: UInt32
    /// Its standard input; nil where it has none.
    public var input: (any ProcessInput)?

    /// Parts of the process's specification that a driver which reads the whole does not honour, as dotted paths.
    public var ignored: [String]

    /// A process that was started.
    public init(pid: UInt32, input: (any ProcessInput)? = nil, ignored: [String] = []) {
        self.pid = pid
        self.input = input
        self.ignored = ignored
    }
}
