/// The methods of protocol version 1.
public enum Method: String, Sendable, CaseIterable {
    case ping, version
    case create, start, exec, signal
    case signalProcess = "signal_process"
    case stop, resize, pause, resume, stats, pids, summary, restore, update
    case checkpointCreate = "checkpoint_create"
    case checkpointDelete = "checkpoint_delete"
    case checkpointList = "checkpoint_list"
    case delete, state, list, wait, attach, credit, detach, stdin, logs
    case events, snapshot, health, drain
    case keysList = "keys_list"
    case keysReload = "keys_reload"

    /// The method called `name`. The synthesised initialiser compares name by name; this one looks it up.
    static func named(_ name: String) -> Method? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })
}
