/// What happened on a host, as collectors see it.
public struct Event: Sendable, Equatable {
    /// The kinds of event that take a sequence number.
    public enum Kind: String, Sendable, CaseIterable {
        case create, start, exec, pause, resume, exit
        case execExit = "exec_exit"
        case oom, restore, update, delete, stuck, unstuck
        case workerStart = "worker_start"
        case workerDrain = "worker_drain"
        case workerStop = "worker_stop"
    }

    /// The host's name.
    public var host = ""
    /// Rises by one per start of the worker.
    public var epoch: UInt64 = 0
    /// Rises by exactly one per event of the host.
    public var seq: UInt64 = 0
    /// When it happened.
    public var time: Timestamp
    /// What happened.
    public var kind: Kind
    /// To which container.
    public var id: ContainerID?
    /// To which of its processes.
    public var process: ProcessName?
    /// That process's id.
    public var pid: UInt32?
    /// How it ended.
    public var exit: Exit?
    /// Whether a servicing run would merge updates.
    public var isUpdatePending: Bool?
    /// The container's state after it.
    public var state: ContainerRecord.State?
    /// The request that caused it.
    public var requestID: String?
    /// That request's trace context.
    public var traceparent: String?
    /// The container's labels.
    public var labels: [String: String] = [:]
    /// The driver's operation, for `stuck` and `unstuck`.
    public var operation: String?

    /// An event that has not been numbered yet.
    public init(_ kind: Kind, _ id: ContainerID? = nil, at time: Timestamp = .now) {
        self.kind = kind
        self.id = id
        self.time = time
    }

    /// The first frame it is published under: `<type>/<container id>`.
    public var topic: String { "\(kind.rawValue)/\(id?.rawValue ?? "")" }
}
