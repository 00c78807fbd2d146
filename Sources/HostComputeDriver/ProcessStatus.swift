/// The answer of HCS to a query for a process (HostComputeService D.5).
enum ProcessStatus: Equatable {
    case running
    case exited(code: UInt32)
    /// It has exited, and HCS could not learn its code.
    case exitedUnreadably
    /// HCS knows nothing of it any more.
    case gone
    /// The question failed, or its answer cannot be read.
    case unanswered

    /// The meaning of a process's properties.
    init(parsing text: String) {
        guard let properties = AnswerDocument.read(ProcessProperties.self, text) else {
            self = .unanswered
            return
        }
        guard properties.exited == true else {
            self = .running
            return
        }
        // The code counts only where the wait for it went well; one that is missing is not zero.
        guard (properties.lastWaitResult ?? 0) == 0, let code = properties.exitCode else {
            self = .exitedUnreadably
            return
        }
        if let code = UInt32(exactly: code) ?? Int32(exactly: code).map(UInt32.init(bitPattern:)) {
            self = .exited(code: code)
        } else {
            self = .exitedUnreadably
        }
    }
}
