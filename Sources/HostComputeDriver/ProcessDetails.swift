/// One process of a compute system's list (HostComputeService D.9); times are in ticks of 100 ns.
struct ProcessDetails: Decodable {
    @Lenient var id: UInt32?
    @Lenient var image: String?
    @Lenient var createdAt: String?
    @Lenient var userTime: UInt64?
    @Lenient var kernelTime: UInt64?
    @Lenient var memoryCommit: UInt64?
    @Lenient var memoryPrivate: UInt64?
    @Lenient var memoryShared: UInt64?

    private enum CodingKeys: String, CodingKey {
        case id = "ProcessId"
        case image = "ImageName"
        case createdAt = "CreateTimestamp"
        case userTime = "UserTime100ns"
        case kernelTime = "KernelTime100ns"
        case memoryCommit = "MemoryCommitBytes"
        case memoryPrivate = "MemoryWorkingSetPrivateBytes"
        case memoryShared = "MemoryWorkingSetSharedBytes"
    }
}
