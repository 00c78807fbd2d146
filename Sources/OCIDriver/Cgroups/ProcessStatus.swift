/// What `/proc/PID/stat` and `/proc/PID/status` say of a process. Pure.
struct ProcessStatus: Equatable {
    var name = ""
    var state: Character = "?"
    var parent: Int32 = 0
    /// User and kernel time, in clock ticks.
    var userTicks: UInt64 = 0
    var kernelTicks: UInt64 = 0
    /// When it started, in clock ticks since the host's boot. With the process id it names one process.
    var startTicks: UInt64 = 0

    /// Nil where `text` is no line of `/proc/PID/stat`.
    init?(stat text: String) {
        // The name may hold spaces and parentheses.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close else { return nil }
        name = String(text[text.index(after: open)..<close])
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let start = UInt64(fields[19]) else { return nil }
        self.state = state
        parent = Int32(fields[1]) ?? 0
        userTicks = UInt64(fields[11]) ?? 0
        kernelTicks = UInt64(fields[12]) ?? 0
        startTicks = start
    }

    var isZombie: Bool { state == "Z" || state == "X" }

    /// A size of `/proc/PID/status`, such as `RssAnon`, in bytes.
    static func bytes(_ key: String, in status: String) -> UInt64 {
        for line in status.split(separator: "\n") where line.hasPrefix(key + ":") {
            let number = line.dropFirst(key.count + 1).split { $0 == " " || $0 == "\t" }.first
            return (number.flatMap { UInt64($0) } ?? 0) &* 1024
        }
        return 0
    }
}
