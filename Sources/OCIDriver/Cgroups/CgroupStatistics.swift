import ContainerModel

/// What the files of a container's cgroup say of its use. Pure: ``Reader`` gives a file's text, or nil.
struct CgroupStatistics: Equatable {
    typealias Reader = (_ controller: String, _ file: String) -> String?

    var memory = ContainerStatistics.Memory()
    var processor = ContainerStatistics.Processor()
    var storage = ContainerStatistics.Storage()

    private static let nanosecondsPerMicrosecond: UInt64 = 1000

    init(isUnified: Bool, _ read: Reader) {
        if isUnified { readUnified(read) } else { readControllers(read) }
    }

    private mutating func readControllers(_ read: Reader) {
        let usage = CgroupText.number(read("memory", "memory.usage_in_bytes"))
        memory.commit = usage
        memory.commitPeak = CgroupText.number(read("memory", "memory.max_usage_in_bytes"))
        let inactive = CgroupText.number("total_inactive_file", in: read("memory", "memory.stat"))
        memory.privateWorkingSet = usage > inactive ? usage - inactive : 0
        processor.total = CgroupText.number(read("cpuacct", "cpuacct.usage"))
        processor.user = CgroupText.number(read("cpuacct", "cpuacct.usage_user"))
        processor.kernel = CgroupText.number(read("cpuacct", "cpuacct.usage_sys"))
        let bytes = read("blkio", "blkio.throttle.io_service_bytes_recursive")
        let operations = read("blkio", "blkio.throttle.io_serviced_recursive")
        storage.readBytes = CgroupText.sum("Read", in: bytes)
        storage.writeBytes = CgroupText.sum("Write", in: bytes)
        storage.readCount = CgroupText.sum("Read", in: operations)
        storage.writeCount = CgroupText.sum("Write", in: operations)
    }

    private mutating func readUnified(_ read: Reader) {
        let usage = CgroupText.number(read("memory", "memory.current"))
        memory.commit = usage
        memory.commitPeak = max(usage, CgroupText.number(read("memory", "memory.peak")))
        let inactive = CgroupText.number("inactive_file", in: read("memory", "memory.stat"))
        memory.privateWorkingSet = usage > inactive ? usage - inactive : 0
        let times = read("cpu", "cpu.stat")
        processor.total = CgroupText.number("usage_usec", in: times) &* CgroupStatistics.nanosecondsPerMicrosecond
        processor.user = CgroupText.number("user_usec", in: times) &* CgroupStatistics.nanosecondsPerMicrosecond
        processor.kernel = CgroupText.number("system_usec", in: times) &* CgroupStatistics.nanosecondsPerMicrosecond
        let io = read("io", "io.stat")
        storage.readBytes = CgroupText.sum(field: "rbytes", in: io)
        storage.writeBytes = CgroupText.sum(field: "wbytes", in: io)
        storage.readCount = CgroupText.sum(field: "rios", in: io)
        storage.writeCount = CgroupText.sum(field: "wios", in: io)
    }
}
