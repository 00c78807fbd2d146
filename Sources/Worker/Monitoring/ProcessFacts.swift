import Foundation

/// What the system knows of this process and of its disk. Reading it may block.
struct ProcessFacts: Sendable {
    var residentBytes: UInt64?
    var processorNanoseconds: UInt64?
    var threads: UInt64?
    var openDescriptors: UInt64?
    var mostDescriptors: UInt64?
    /// Nanoseconds since 1970.
    var startedAt: UInt64?
    /// Bytes of the journal's files, by what they are.
    var journal: [(file: String, bytes: UInt64)] = []
    var diskFreeBytes: UInt64?

    /// Reads everything; what cannot be read is left out.
    /// - Parameter stateDirectory: where the journal is, if there is one on disk.
    static func read(stateDirectory: String, hasJournal: Bool) -> ProcessFacts {
        var facts = ProcessFacts()
        #if canImport(Glibc)
            facts.readProcess()
        #endif
        let files = FileManager.default
        if hasJournal {
            let database = JournalFiles(URL(fileURLWithPath: stateDirectory)).database
            for (file, path) in [("database", database), ("log", database + "-wal")] {
                let size = (try? files.attributesOfItem(atPath: path))?[.size] as? NSNumber
                if let size { facts.journal.append((file, size.uint64Value)) }
            }
        }
        let free = (try? files.attributesOfFileSystem(forPath: stateDirectory))?[.systemFreeSize] as? NSNumber
        facts.diskFreeBytes = free?.uint64Value
        return facts
    }

    #if canImport(Glibc)
        private mutating func readProcess() {
            let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
            if let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
                let name = stat.lastIndex(of: ")")
            {
                // Behind the name, which may have spaces: field 3 of proc(5) is the first.
                let fields = stat[stat.index(after: name)...].split(separator: " ").map { UInt64($0) }
                let field = { (number: Int) in fields.indices.contains(number - 3) ? fields[number - 3] : nil }
                if let user = field(14), let system = field(15) {
                    processorNanoseconds = (user + system) * (1_000_000_000 / ticks)
                }
                threads = field(20)
                residentBytes = field(24).map { $0 * UInt64(max(1, sysconf(Int32(_SC_PAGESIZE)))) }
                if let begun = field(22) { startedAt = ProcessFacts.wallClock(ofTick: begun, ticks) }
            }
            openDescriptors = ProcessFacts.countDescriptors()
            var limit = rlimit()
            if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
                mostDescriptors = UInt64(limit.rlim_cur)
            }
        }

        /// The time of a tick since the system's start.
        private static func wallClock(ofTick tick: UInt64, _ ticks: UInt64) -> UInt64? {
            var (wall, boot) = (timespec(), timespec())
            guard clock_gettime(CLOCK_REALTIME, &wall) == 0, clock_gettime(CLOCK_BOOTTIME, &boot) == 0 else {
                return nil
            }
            let start = Int64(wall.tv_sec - boot.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec - boot.tv_nsec)
            return UInt64(exactly: start + Int64(clamping: tick * (1_000_000_000 / ticks)))
        }

        /// Without a list of them in memory: there may be very many.
        private static func countDescriptors() -> UInt64? {
            guard let folder = opendir("/proc/self/fd") else { return nil }
            defer { closedir(folder) }
            var count: UInt64 = 0
            while let entry = readdir(folder) { if entry.pointee.d_name.0 != UInt8(ascii: ".") { count += 1 } }
            // The one that was opened for this.
            return count > 0 ? count - 1 : 0
        }
    #endif
}
