/// What became of a process that an earlier worker started, or was about to start.
public enum FoundProcess: Sendable, Equatable {
    /// It was created; it runs, or its exit is reported.
    case found(pid: UInt32)
    /// The service knows that it was never created, and now never will be: it can be started.
    case neverCreated
    /// It was not found, and the service does not know whether it was ever created: it must not be started again.
    case unknown

    /// Its id, where it was found.
    public var pid: UInt32? {
        if case .found(let pid) = self { pid } else { nil }
    }
}
