public import ContainerModel

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
