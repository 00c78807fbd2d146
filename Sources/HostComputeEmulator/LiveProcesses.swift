import Glibc

/// The processes of the host as /proc shows them.
enum LiveProcesses {
    /// Beyond this many ids the listing of /proc is quicker than asking for each.
    private static let widestProbe: pid_t = 2048

    /// The live processes whose session is one of `sessions`.
    ///
    /// Ids are given out in ascending order, so after a short life only few have to be looked at: that saves reading
    /// /proc at every exit.
    static func members(of sessions: Set<pid_t>) -> [pid_t] {
        guard let first = sessions.min() else { return [] }
        let last = lastGivenOut()
        let isMember = { (pid: pid_t) in sessions.contains(getsid(pid)) && isAlive(pid) }
        if last >= first, last - first <= widestProbe { return (first...last).filter(isMember) }
        return all().filter(isMember)
    }

    /// `members(of:)` and their descendants in sessions of their own.
    static func family(of sessions: Set<pid_t>) -> [pid_t] {
        var family = all().filter { sessions.contains(getsid($0)) && isAlive($0) }
        var known = Set(family)
        var next = 0
        while next < family.count {
            for child in children(of: family[next]) where known.insert(child).inserted && isAlive(child) {
                family.append(child)
            }
            next += 1
        }
        return family
    }

    /// Whether it runs: a process that is dead and not yet waited for still has an id and a session.
    private static func isAlive(_ pid: pid_t) -> Bool {
        guard let status = EmulatedProcessStatus(pid) else { return false }
        return !status.isDead
    }

    private static func lastGivenOut() -> pid_t {
        guard let text = read("/proc/loadavg"), let last = text.split(whereSeparator: { " \n".contains($0) }).last
        else { return 0 }
        return pid_t(last) ?? 0
    }

    private static func all() -> [pid_t] { numbers("/proc") }

    private static func children(of pid: pid_t) -> [pid_t] {
        numbers("/proc/\(pid)/task").flatMap { thread in
            (read("/proc/\(pid)/task/\(thread)/children") ?? "").split(separator: " ").compactMap { pid_t($0) }
        }
    }

    /// The entries of a folder that are numbers. There may be thousands, so none becomes a string first.
    private static func numbers(_ folder: String) -> [pid_t] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var numbers: [pid_t] = []
        while let entry = readdir(directory) {
            let number = withUnsafePointer(to: &entry.pointee.d_name) {
                // What begins with a digit is an id in full; anything else reads as 0.
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { atoi($0) }
            }
            if number > 0 { numbers.append(number) }
        }
        return numbers
    }

    /// The text of a small file of /proc; nil when it has gone or is not ours to read.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer -> String? in
            var bytes: [UInt8] = []
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0 { return nil }
                if count == 0 { return String(decoding: bytes, as: UTF8.self) }
                bytes.append(contentsOf: buffer[..<count])
            }
        }
    }
}
