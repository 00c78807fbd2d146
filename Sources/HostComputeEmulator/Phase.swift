/// Where a compute system stands. The -ing phases are operations that were accepted and are not complete.
enum Phase: Sendable {
    case creating, created, starting, running, pausing, paused, resuming, stopping, stopped

    /// The state as properties name it (HostComputeService D.8); a phase in between still shows the state it left.
    var stateName: String {
        switch self {
        case .creating, .created, .starting: "Created"
        case .running, .pausing, .stopping: "Running"
        case .paused, .resuming: "Paused"
        case .stopped: "Stopped"
        }
    }
}
