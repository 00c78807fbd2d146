/// How a process, or a container, ended. A code is never invented.
public struct Exit: Sendable, Equatable {
    /// The exit code; meaningful only where ``known`` is true.
    public var code: UInt32
    /// Whether the exit code is known.
    public var known: Bool
    /// Why it ended.
    public var reason: Reason
    /// When it ended, as precisely as is known.
    public var at: Timestamp
    /// How the exit was seen: notified by the `driver`, found by a `poll`, found on `restore`, or concluded by the
    /// `worker`.
    public var observedBy: Observer

    /// An exit with a known code.
    public init(code: UInt32, reason: Reason, at: Timestamp, observedBy: Observer) {
        self.code = code
        self.known = true
        self.reason = reason
        self.at = at
        self.observedBy = observedBy
    }

    /// An exit without a known code: the code is 4294967295, or 2147483648 where the container was lost.
    public static func unknown(reason: Reason, at: Timestamp, observedBy: Observer) -> Exit {
        var exit = Exit(code: reason == .lost ? 1 << 31 : .max, reason: reason, at: at, observedBy: observedBy)
        exit.known = false
        return exit
    }

    /// Why a process ended.
    public enum Reason: String, Sendable, CaseIterable {
        case exited, signalled, terminated, oom
        case startFailed = "start_failed"
        case hostRestart = "host_restart"
        case lost
    }

    /// How an exit was seen.
    public enum Observer: String, Sendable, CaseIterable {
        case driver, poll, restore, worker
    }
}
