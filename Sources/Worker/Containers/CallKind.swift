/// A driver call, as `stuck` events, records and metrics name it.
enum CallKind: String, Sendable, CaseIterable {
    case create, start, exec, pause, resume, update, shutdown, terminate, discard, open, check
    case signal, resize, statistics, processes
    /// What the host has, all at once; and what a creation would come to.
    case list, plan
}
