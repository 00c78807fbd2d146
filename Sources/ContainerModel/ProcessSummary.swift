/// One process of a container, as its host sees it; times in nanoseconds, sizes in bytes.
public struct ProcessSummary: Sendable, Equatable {
    /// The process's id.
    public var pid: UInt32
    /// The program's file name.
    public var image: String
    /// When it was created.
    public var createdAt: Timestamp?
    /// User mode time.
    public var userTime: UInt64 = 0
    /// Kernel mode time.
    public var kernelTime: UInt64 = 0
    /// Committed memory.
    public var memoryCommit: UInt64 = 0
    /// Private working set.
    public var memoryPrivate: UInt64 = 0
    /// Shared working set.
    public var memoryShared: UInt64 = 0

    /// A process.
    public init(pid: UInt32, image: String) {
        self.pid = pid
        self.image = image
    }
}
