/// A driver call, as `stuck` events and records name it.
enum CallKind: String, Sendable {
    case create, start, exec, pause, resume, update, shutdown, terminate, discard, open, check
    case signal, resize, statistics, processes
}
