import CLinux
import Glibc

/// What processes have used, in the units of HostComputeService D.9.
struct ProcessUsage: Sendable {
    var user100ns: UInt64 = 0
    var kernel100ns: UInt64 = 0
    var readCount: UInt64 = 0
    var readBytes: UInt64 = 0
    var writeCount: UInt64 = 0
    var writeBytes: UInt64 = 0
    var peakBytes: UInt64 = 0

    init() {}

    /// The usage of an ended process. The kernel counts storage in blocks of 512 bytes.
    init(_ resources: rusage) {
        let units = { (time: timeval) in UInt64(max(0, time.tv_sec)) * 10_000_000 + UInt64(max(0, time.tv_usec)) * 10 }
        user100ns = units(resources.ru_utime)
        kernel100ns = units(resources.ru_stime)
        readCount = UInt64(max(0, resources.ru_inblock))
        readBytes = readCount * 512
        writeCount = UInt64(max(0, resources.ru_oublock))
        writeBytes = writeCount * 512
        peakBytes = ProcessUsage.ownPeak(resources.ru_maxrss, parent: ProcessUsage.peakOfThisProcess()) * 1024
    }

    /// The most memory of a process in KiB; 0 where it is not known.
    ///
    /// Until exec, a new process shares its parent's memory, and the kernel counts that as its own. So a peak no higher
    /// than the parent's is not the program's.
    static func ownPeak(_ peak: Int, parent: Int) -> UInt64 { peak > parent ? UInt64(peak) : 0 }

    private static func peakOfThisProcess() -> Int {
        var resources = rusage()
        return getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &resources) == 0 ? resources.ru_maxrss : 0
    }

    /// Adds what an ended process had used.
    mutating func add(_ other: ProcessUsage) {
        user100ns += other.user100ns
        kernel100ns += other.kernel100ns
        readCount += other.readCount
        readBytes += other.readBytes
        writeCount += other.writeCount
        writeBytes += other.writeBytes
        peakBytes = max(peakBytes, other.peakBytes)
    }
}
