import ContainerModel

/// How a process ended, by its wait status. Pure.
enum ExitStatus {
    /// - Parameters:
    ///   - isTerminated: whether the driver was asked to end it by force.
    static func exit(
        _ waitStatus: Int32, isOutOfMemory: Bool, isTerminated: Bool, at time: Timestamp, observedBy: Exit.Observer
    ) -> Exit {
        let signal = waitStatus & 0x7F
        guard signal != 0 else {
            return Exit(code: UInt32(waitStatus >> 8 & 0xFF), reason: .exited, at: time, observedBy: observedBy)
        }
        let reason: Exit.Reason
        if isTerminated, signal == 9 {
            reason = .terminated
        } else {
            reason = isOutOfMemory && signal == 9 ? .oom : .signalled
        }
        return Exit(code: UInt32(128 + signal), reason: reason, at: time, observedBy: observedBy)
    }
}
