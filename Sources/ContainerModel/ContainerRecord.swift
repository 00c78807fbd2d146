/// What a worker knows of a container: the answer to `state`.
public struct ContainerRecord: Sendable, Equatable {
    /// Where a container is in its life.
    public enum State: String, Sendable, CaseIterable {
        case creating, created, running, paused, stopping, stopped, unknown
    }

    /// A process besides the first.
    public struct Process: Sendable, Equatable {
        /// Where a process is in its life.
        public enum State: String, Sendable {
            case running, stopped
        }
        /// Its id.
        public var pid: UInt32
        /// Whether it runs.
        public var state: State
        /// How it ended.
        public var exit: Exit?

        /// A process that runs.
        public init(pid: UInt32) {
            self.pid = pid
            state = .running
        }
    }

    /// Its name.
    public var id: ContainerID
    /// The number of the newest event that it includes; 0 before the first.
    public var seq: UInt64 = 0
    /// Where it is in its life.
    public var state = State.creating
    /// The first process's id, once it has run.
    public var pid: UInt32?
    /// When it was created.
    public var createdAt: Timestamp
    /// When its first process began to run.
    public var startedAt: Timestamp?
    /// How its first process ended.
    public var exit: Exit?
    /// How it is kept apart: `process`, `hyperv` or `none`.
    public var isolation = "process"
    /// Parent layers, nearest first.
    public var imageLayers: [String] = []
    /// Processes besides the first, by name.
    public var processes: [ProcessName: Process] = [:]
    /// Free text.
    public var labels: [String: String] = [:]
    /// Whether it is frozen.
    public var isPaused = false
    /// Whether a servicing run would merge updates.
    public var isUpdatePending = false
    /// How many mutating requests wait or run.
    public var queueDepth = 0
    /// The driver's operation that outlived its watchdog.
    public var stuck: String?
    /// Parts of its specification that nothing honours, as dotted paths.
    public var ignored: [String] = []
    /// Whether the worker deletes it once it has stopped.
    public var isAutoRemoved = false
    /// Processes whose lossless reader has lost its hold: later output may be missing for it.
    public var lostHolds: Set<ProcessName> = []

    /// A container that is being created.
    public init(id: ContainerID, createdAt: Timestamp) {
        self.id = id
        self.createdAt = createdAt
    }
}
