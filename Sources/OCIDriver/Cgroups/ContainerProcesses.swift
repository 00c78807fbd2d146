import ContainerModel

/// The processes of a container, from `/proc`.
struct ContainerProcesses {
    let clock: HostClock

    /// What is known of each process that still runs, `first` before the others.
    func read(_ pids: [Int32], first: Int32) -> [ProcessSummary] {
        let ordered = pids.filter { $0 == first } + pids.filter { $0 != first }
        return ordered.compactMap(summary)
    }

    private func summary(_ pid: Int32) -> ProcessSummary? {
        guard let text = HostFile.text("/proc/\(pid)/stat", limit: 4096), let status = ProcessStatus(stat: text),
            !status.isZombie
        else { return nil }
        var summary = ProcessSummary(pid: UInt32(pid), image: status.name)
        summary.createdAt = clock.timestamp(status.startTicks)
        summary.userTime = clock.nanoseconds(status.userTicks)
        summary.kernelTime = clock.nanoseconds(status.kernelTicks)
        let memory = HostFile.text("/proc/\(pid)/status", limit: 16 << 10) ?? ""
        summary.memoryPrivate = ProcessStatus.bytes("RssAnon", in: memory)
        summary.memoryShared = ProcessStatus.bytes("RssFile", in: memory) + ProcessStatus.bytes("RssShmem", in: memory)
        summary.memoryCommit = summary.memoryPrivate + ProcessStatus.bytes("VmSwap", in: memory)
        return summary
    }
}
