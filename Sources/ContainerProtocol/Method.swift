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

    /// The method called `name`. The synthesised initialiser compares name by name; this one looks it up.
    static func named(_ name: String) -> Method? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })

    /// In which order a request is served.
    public enum Lane: Sendable {
        /// Strictly one after another with the other mutating requests of the same container.
        case mutating
        /// At once, whatever the container is busy with.
        case immediate
    }

    /// In which order requests of this method are served.
    public var lane: Lane {
        switch self {
        case .create, .start, .exec, .pause, .resume, .restore, .update, .checkpointCreate, .checkpointDelete,
            .checkpointList, .delete:
            .mutating
        default: .immediate
        }
    }
}
