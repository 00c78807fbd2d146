public import ContainerProtocol
public import struct MessagePack.Timestamp

/// What a driver can do; the names are those of the `capabilities` in the reply to `version`.
public enum Capability: String, Sendable, CaseIterable {
    case processIsolation = "isolation.process"
    case hyperVIsolation = "isolation.hyperv"
    case noIsolation = "isolation.none"
    case pause, exec, terminal, stdin, statistics, signals, servicing, restore, checkpoints
    case updateResources = "update.resources"
    case updateNetwork = "update.network"
}

/// How a container is kept apart from its host.
public enum Isolation: String, Sendable {
    case process
    case hyperV = "hyperv"
    /// Not at all: the emulator's.
    case none
}

/// What a driver made.
public struct CreatedContainer: Sendable, Equatable {
    /// How it is kept apart.
    public var isolation: Isolation
    /// Whether it can be paused.
    public var canPause: Bool
    /// Things that a person should know, such as a processor count that was clamped.
    public var warnings: [String]
    /// Parts of the specification that this driver does not honour, as dotted paths.
    public var ignored: [String]

    /// A container.
    public init(isolation: Isolation, canPause: Bool = false, warnings: [String] = [], ignored: [String] = []) {
        self.isolation = isolation
        self.canPause = canPause
        self.warnings = warnings
        self.ignored = ignored
    }
}

/// A signal by number or by name, as the caller gave it; what it means is the driver's platform's business.
public enum Signal: Sendable, Equatable, CustomStringConvertible {
    /// As the host counts its signals; see ``ContainerDriver/signal(_:_:_:)``.
    case number(Int)
    /// Upper case, without `SIG`.
    case name(String)
    /// What asks a process of this platform to end: the signal of a graceful stop.
    case graceful

    public var description: String {
        switch self {
        case .number(let number): String(number)
        case .name(let name): name
        case .graceful: "graceful stop"
        }
    }
}

/// How a compute system went down.
public struct ShutDown: Sendable, Equatable {
    /// Whether the container has updates that a servicing run would merge.
    public var updatePending: Bool
    /// Whether it had to be terminated because it did not shut down.
    public var forced: Bool

    /// A shutdown.
    public init(updatePending: Bool, forced: Bool) {
        self.updatePending = updatePending
        self.forced = forced
    }
}

/// A container that was found again.
public struct OpenedContainer: Sendable {
    /// The state of its compute system. The first process may have ended even if the system runs.
    public enum State: Sendable, Equatable {
        case created, running, paused, stopped
    }
    public var isolation: Isolation
    /// Whether it can be paused.
    public var canPause: Bool
    /// The state of its compute system.
    public var state: State
    /// The result of the search for each process, without those whose exit had been reported before.
    public var processes: [ProcessName: FoundProcess]
    /// The standard inputs of the running processes, lost ones included.
    public var inputs: [ProcessName: any ProcessInput]
    /// What could not be restored, for the log.
    public var warnings: [String]

    public init(
        isolation: Isolation, canPause: Bool, state: State, processes: [ProcessName: FoundProcess],
        inputs: [ProcessName: any ProcessInput] = [:], warnings: [String] = []
    ) {
        self.isolation = isolation
        self.canPause = canPause
        self.state = state
        self.processes = processes
        self.inputs = inputs
        self.warnings = warnings
    }
}

/// What an update did.
public struct UpdatedResources: Sendable, Equatable {
    /// The fields that were applied, as dotted paths (`cpu.count`).
    public var applied: [String]
    /// The fields that this driver cannot change at run time.
    public var ignored: [String]
    /// Things that a person should know, such as a processor count that was clamped.
    public var warnings: [String]

    /// What an update did.
    public init(applied: [String], ignored: [String], warnings: [String] = []) {
        self.applied = applied
        self.ignored = ignored
        self.warnings = warnings
    }
}

/// What a container uses; times in nanoseconds, sizes in bytes. What a driver does not know is zero.
public struct ContainerStatistics: Sendable, Equatable {
    /// When it was read.
    public var readAt: Timestamp
    /// When the compute system started.
    public var startedAt: Timestamp?
    /// How long it has run.
    public var uptime: UInt64 = 0
    /// Memory.
    public var memory = Memory()
    /// Processor time.
    public var processor = Processor()
    /// Storage.
    public var storage = Storage()
    /// One entry per network endpoint.
    public var network: [NetworkEndpoint] = []

    /// Nothing used yet.
    public init(readAt: Timestamp) { self.readAt = readAt }

    /// Bytes of memory.
    public struct Memory: Sendable, Equatable {
        /// Committed now.
        public var commit: UInt64 = 0
        /// The most that was ever committed.
        public var commitPeak: UInt64 = 0
        /// The private working set.
        public var privateWorkingSet: UInt64 = 0
        /// Nothing.
        public init() {}
    }

    /// Nanoseconds of processor time.
    public struct Processor: Sendable, Equatable {
        /// User and kernel together.
        public var total: UInt64 = 0
        /// User mode.
        public var user: UInt64 = 0
        /// Kernel mode.
        public var kernel: UInt64 = 0
        /// Nothing.
        public init() {}
    }

    /// Storage operations and bytes.
    public struct Storage: Sendable, Equatable {
        /// Reads.
        public var readCount: UInt64 = 0
        /// Bytes read.
        public var readBytes: UInt64 = 0
        /// Writes.
        public var writeCount: UInt64 = 0
        /// Bytes written.
        public var writeBytes: UInt64 = 0
        /// Nothing.
        public init() {}
    }

    /// One network endpoint's counters.
    public struct NetworkEndpoint: Sendable, Equatable {
        /// The HNS endpoint's id.
        public var endpoint = ""
        /// Bytes in.
        public var bytesReceived: UInt64 = 0
        /// Bytes out.
        public var bytesSent: UInt64 = 0
        /// Packets in.
        public var packetsReceived: UInt64 = 0
        /// Packets out.
        public var packetsSent: UInt64 = 0
        /// Packets that were dropped on the way in.
        public var droppedIncoming: UInt64 = 0
        /// Packets that were dropped on the way out.
        public var droppedOutgoing: UInt64 = 0
        /// Nothing.
        public init() {}
    }
}

/// One process of a container, as its host sees it; times in nanoseconds, sizes in bytes.
public struct ProcessSummary: Sendable, Equatable {
    /// The process's id.
    public var pid: UInt32
    /// The program's file name.
    public var image: String
    /// When it was created.
    public var createdAt: Timestamp?
    /// User mode time.
    public var userTime: UInt64 = 0
    /// Kernel mode time.
    public var kernelTime: UInt64 = 0
    /// Committed memory.
    public var memoryCommit: UInt64 = 0
    /// Private working set.
    public var memoryPrivate: UInt64 = 0
    /// Shared working set.
    public var memoryShared: UInt64 = 0

    /// A process.
    public init(pid: UInt32, image: String) {
        self.pid = pid
        self.image = image
    }
}
