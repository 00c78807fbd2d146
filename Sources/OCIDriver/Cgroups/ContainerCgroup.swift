import ContainerDriver
import Glibc

/// The cgroup of one container, in every hierarchy of the host.
struct ContainerCgroup: Sendable {
    let mounts: CgroupMounts
    /// Below every hierarchy's root, with a slash before it.
    let group: String

    /// Freezing and thawing may take the kernel some time.
    private static let patience = 500
    private static let pauseMicroseconds: UInt32 = 10_000

    private func path(_ controller: String, _ file: String) -> String? {
        mounts.folder(controller, of: group).map { $0 + "/" + file }
    }

    func read(_ controller: String, _ file: String) -> String? {
        path(controller, file).flatMap { HostFile.text($0, limit: 64 << 10) }
    }

    /// - Returns: 0, or an errno; `ENOENT` where the host does not have the file.
    func write(_ text: String, _ controller: String, _ file: String) -> Int32 {
        path(controller, file).map { HostFile.write(text, to: $0) } ?? ENOENT
    }

    /// Every process in it, execs included.
    var processes: [Int32] {
        CgroupText.processes(read(mounts.controllers["pids"] == nil ? "devices" : "pids", "cgroup.procs"))
    }

    var statistics: CgroupStatistics { CgroupStatistics(isUnified: mounts.isUnified) { read($0, $1) } }

    /// How often the kernel ended a process in it because memory ran out.
    var outOfMemoryEvents: String? {
        path("memory", mounts.isUnified ? "memory.events" : "memory.oom_control")
    }

    // MARK: Freezing

    var isFrozen: Bool {
        if mounts.isUnified { return CgroupText.number("frozen", in: read("freezer", "cgroup.events")) == 1 }
        let state = read("freezer", "freezer.state")?.trimmingSpace
        return state == "FROZEN" || state == "FREEZING"
    }

    func freeze(_ freezes: Bool) throws(DriverFailure) {
        let error = ask(freezes)
        guard error == 0 else {
            throw HostError(freezes ? "freezing" : "thawing", path("freezer", "") ?? group, code: error).failure
        }
        for _ in 0..<ContainerCgroup.patience {
            let state =
                mounts.isUnified ? (isFrozen ? "FROZEN" : "THAWED") : read("freezer", "freezer.state")?.trimmingSpace
            if state == (freezes ? "FROZEN" : "THAWED") { return }
            usleep(ContainerCgroup.pauseMicroseconds)
        }
        throw DriverFailure(
            .deadlineExceeded, "the kernel did not \(freezes ? "freeze" : "thaw") the processes in time; try again",
            retryable: true)
    }

    /// Asks the kernel to freeze or to thaw what is in it.
    /// - Returns: 0, or an errno.
    private func ask(_ freezes: Bool) -> Int32 {
        mounts.isUnified
            ? write(freezes ? "1" : "0", "freezer", "cgroup.freeze")
            : write(freezes ? "FROZEN" : "THAWED", "freezer", "freezer.state")
    }

    // MARK: Ending

    /// Ends every process in it, frozen ones too.
    func kill() {
        if mounts.isUnified, write("1", "cgroup", "cgroup.kill") == 0 { return }
        let processes = processes
        guard !processes.isEmpty else { return }
        for pid in processes { _ = Glibc.kill(pid, SIGKILL) }
        // A frozen process takes the signal when it is thawed.
        _ = ask(false)
    }

    /// Ends what is left in it and removes it.
    /// - Returns: whether nothing is left.
    func remove() -> Bool {
        let folders = mounts.points.map { $0 + group }
        for attempt in 0..<ContainerCgroup.patience {
            var isGone = true
            for folder in folders where !ContainerCgroup.remove(folder) { isGone = false }
            if isGone { return true }
            if attempt % 10 == 0 { kill() }
            usleep(ContainerCgroup.pauseMicroseconds)
        }
        return false
    }

    /// Containers may have made groups below their own.
    private static func remove(_ folder: String) -> Bool {
        if rmdir(folder) == 0 || errno == ENOENT { return true }
        for name in FolderTree.names(folder) where FolderTree.isFolder(folder + "/" + name) {
            _ = remove(folder + "/" + name)
        }
        return rmdir(folder) == 0 || errno == ENOENT
    }
}
