import Glibc

/// What /proc reports of one process.
struct EmulatedProcessStatus {
    let pid: pid_t
    let name: String
    let isDead: Bool
    /// Ticks of the clock, with those of children that were waited for.
    let userTicks: UInt64
    let kernelTicks: UInt64
    let startTicks: UInt64
    let residentBytes: UInt64

    init?(_ pid: pid_t) {
        // The name is in parentheses and may hold anything, so the fields are counted from the last one.
        guard let text = LiveProcesses.read("/proc/\(pid)/stat"), let open = text.firstIndex(of: "("),
            let close = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        // Numbers as in proc(5): field 3, the state, is the first here.
        let number = { (field: Int) in fields.count > field - 3 ? UInt64(fields[field - 3]) ?? 0 : 0 }
        guard let state = fields.first else { return nil }
        self.pid = pid
        name = String(text[text.index(after: open)..<close])
        isDead = state == "Z" || state == "X"
        userTicks = number(14) + number(16)
        kernelTicks = number(15) + number(17)
        startTicks = number(22)
        residentBytes = number(24) * UInt64(getpagesize())
    }

    /// Whether it runs and is the process that started then: an id alone may stand for another one by now.
    func isSame(startTicks: UInt64) -> Bool {
        !isDead && self.startTicks == startTicks
    }

    /// The part of `residentBytes` that is shared with files and other processes.
    func sharedBytes() -> UInt64 {
        let fields = (LiveProcesses.read("/proc/\(pid)/statm") ?? "").split(separator: " ")
        return fields.count > 2 ? (UInt64(fields[2]) ?? 0) * UInt64(getpagesize()) : 0
    }

    /// Reads and writes of storage; zero when they are not ours to read.
    func storage() -> (readCount: UInt64, readBytes: UInt64, writeCount: UInt64, writeBytes: UInt64) {
        var values: [Substring: UInt64] = [:]
        for line in (LiveProcesses.read("/proc/\(pid)/io") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":")
            if parts.count == 2 { values[parts[0]] = UInt64(parts[1].drop(while: { $0 == " " })) }
        }
        return (values["syscr"] ?? 0, values["read_bytes"] ?? 0, values["syscw"] ?? 0, values["write_bytes"] ?? 0)
    }

    /// Units of 100 ns in one tick of the clock.
    static let tickUnits = UInt64(10_000_000 / max(1, sysconf(Int32(_SC_CLK_TCK))))
}
