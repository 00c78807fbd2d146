public import ContainerModel

/// A process that an earlier worker started, or was about to start, as its record has it.
public struct KnownProcess: Sendable {
    /// Its name in the container.
    public var name: ProcessName
    /// Its id; nil where the worker died before it knew it.
    public var pid: UInt32?
    /// Whether it has a terminal.
    public var terminal: Bool
    /// When it was started, or was about to be; nil where that is not known.
    public var startedAt: Timestamp?
    /// Where its output goes from now on.
    public var output: any ProcessOutput

    /// A process of a record.
    public init(
        name: ProcessName, pid: UInt32?, terminal: Bool, startedAt: Timestamp?, output: any ProcessOutput
    ) {
        self.name = name
        self.pid = pid
        self.terminal = terminal
        self.startedAt = startedAt
        self.output = output
    }
}
