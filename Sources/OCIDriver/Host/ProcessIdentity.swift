import CLinuxContainers
import Glibc

/// One process of this boot: its id may be another's later, its id and its start time are not.
struct ProcessIdentity: Equatable, Sendable {
    let pid: Int32
    /// Clock ticks since the host's boot.
    let startTicks: UInt64

    init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// Reads `PID STARTTIME`.
    init?(text: String) {
        let fields = text.trimmingSpace.split(separator: " ")
        guard fields.count == 2, let pid = Int32(fields[0]), pid > 0, let start = UInt64(fields[1]) else { return nil }
        self.init(pid: pid, startTicks: start)
    }

    /// What `/proc` has of it now; nil where it is gone.
    var status: ProcessStatus? {
        guard let text = HostFile.text("/proc/\(pid)/stat", limit: 4096), let status = ProcessStatus(stat: text),
            status.startTicks == startTicks
        else { return nil }
        return status
    }

    /// Whether it runs: not one that has ended and waits for its parent.
    var isRunning: Bool { status.map { !$0.isZombie } ?? false }

    /// A descriptor of it that the caller closes; nil where it is gone.
    func descriptor() -> Int32? {
        let descriptor = lc_pidfd_open(pid)
        guard descriptor >= 0 else { return nil }
        // Compared after opening: the descriptor cannot become another's.
        guard status != nil else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Sends a signal.
    /// - Returns: 0, or an errno; `ESRCH` where it has ended.
    @discardableResult func signal(_ number: Int32) -> Int32 {
        guard let descriptor = descriptor() else { return ESRCH }
        defer { close(descriptor) }
        return -lc_pidfd_signal(descriptor, number)
    }

    /// Waits until it has ended, and reaps it where it is this process's child.
    /// - Returns: false where it still runs after `milliseconds`.
    @discardableResult func wait(milliseconds: Int32) -> Bool {
        guard let descriptor = descriptor() else { return true }
        defer { close(descriptor) }
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let hasEnded = Glibc.poll(&poll, 1, milliseconds) == 1
        var status: Int32 = 0
        if hasEnded { _ = lc_pidfd_status(descriptor, &status) }
        return hasEnded
    }

    /// The processes that it has started and that still run.
    var children: [Int32] {
        let text = HostFile.text("/proc/\(pid)/task/\(pid)/children") ?? ""
        return text.split(separator: " ").compactMap { Int32($0.trimmingCharacters) }
    }
}

extension Substring {
    fileprivate var trimmingCharacters: String { String(self).trimmingSpace }
}
