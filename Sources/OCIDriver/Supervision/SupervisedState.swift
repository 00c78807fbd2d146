import CSupervisor
import ContainerModel
import Glibc

/// What a supervisor knows of one process.
struct SupervisedState: Equatable, Sendable {
    enum Phase: UInt32, Sendable, Comparable {
        /// The runtime's `create` or `exec` runs.
        case creating = 1
        /// The first process only: it waits for its start.
        case created, running
        case exited
        /// It never came to be.
        case failed

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    var number: UInt32
    var name: ProcessName
    var phase: Phase
    /// Nil until it is known.
    var identity: ProcessIdentity?
    /// As `wait(2)` gives it; meaningful once it has ended.
    var waitStatus: Int32
    var exitedAt: Timestamp
    /// Whether it ended because memory ran out.
    var isOutOfMemory: Bool
    /// Output before this offset was written before the exit.
    var exitOutput: UInt64
    /// Output before this offset is gone, or was released.
    var outputStart: UInt64
    var outputEnd: UInt64
    /// How many bytes of input were taken.
    var inputOffset: UInt64
    var hasTerminal: Bool
    var hasInput: Bool
    /// The streams whose end is known.
    var ended: Set<OutputStream>

    /// Nil where the numbers cannot be a process's.
    init?(_ process: supervisor_process) {
        var process = process
        let bytes = withUnsafeBytes(of: &process.name) { Array($0.prefix { $0 != 0 }) }
        guard let phase = Phase(rawValue: process.state), let name = ProcessName(String(decoding: bytes, as: UTF8.self))
        else {
            return nil
        }
        number = process.number
        self.name = name
        self.phase = phase
        let pid = Int32(exactly: process.pid) ?? 0
        identity = pid > 0 ? ProcessIdentity(pid: pid, startTicks: process.start_time) : nil
        waitStatus = Int32(truncatingIfNeeded: process.wait_status)
        exitedAt = Timestamp(seconds: process.exit_seconds, nanoseconds: process.exit_nanoseconds) ?? .epoch
        let flags = process.flags
        isOutOfMemory = flags & UInt32(SUPERVISOR_OOM) != 0
        exitOutput = process.exit_output
        outputStart = process.output_start
        outputEnd = process.output_end
        inputOffset = process.input_offset
        hasTerminal = flags & UInt32(SUPERVISOR_TERMINAL) != 0
        hasInput = flags & UInt32(SUPERVISOR_STDIN) != 0
        ended = SupervisedState.ended(flags)
    }

    /// The streams that `flags` say have ended.
    static func ended(_ flags: UInt32) -> Set<OutputStream> {
        var ended: Set<OutputStream> = []
        if flags & UInt32(SUPERVISOR_STDOUT_ENDED) != 0 { ended.insert(.stdout) }
        if flags & UInt32(SUPERVISOR_STDERR_ENDED) != 0 { ended.insert(.stderr) }
        return ended
    }
}
