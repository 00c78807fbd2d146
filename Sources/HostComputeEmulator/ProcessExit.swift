import Glibc

/// How a process ended, and what it had used.
struct ProcessExit: Sendable {
    /// ERROR_BROKEN_PIPE: the exit code was lost on the way (HostComputeService D.5).
    static let lost: Int32 = 109

    let code: UInt32
    let lastWaitResult: Int32
    let usage: ProcessUsage

    /// Waits for the child `pid`, which has exited.
    static func collect(_ pid: pid_t, terminatedExitCode: UInt32?) -> ProcessExit {
        var status: Int32 = 0
        var resources = rusage()
        var answer: pid_t
        repeat { answer = wait4(pid, &status, 0, &resources) } while answer < 0 && errno == EINTR
        // Someone else in this program waited for it.
        guard answer == pid else { return ProcessExit(code: 0, lastWaitResult: lost, usage: ProcessUsage()) }
        let signal = status & 0x7F
        let code = signal == 0 ? UInt32(status >> 8 & 0xFF) : terminatedExitCode ?? 128 + UInt32(signal)
        return ProcessExit(code: code, lastWaitResult: 0, usage: ProcessUsage(resources))
    }
}
