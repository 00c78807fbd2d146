public import ContainerModel
public import MessagePack

/// What a request asks for, decoded and checked.
public enum Command: Sendable {
    case ping, version, health
    case create(Create)
    /// `create` with `dry_run`: only what would be made.
    case plan(Create)
    case start(ContainerID)
    case exec(Exec)
    case signal(ContainerID, ProcessName, SignalName)
    case stop(ContainerID, grace: Duration)
    case resize(ContainerID, ProcessName, ConsoleSize)
    case pause(ContainerID)
    case resume(ContainerID)
    /// One container's, or the named ones', or everyone's.
    case stats(StatsSelection)
    case pids(ContainerID)
    case summary(ContainerID)
    case restore(ContainerID)
    case update(ContainerID, resources: Value)
    case checkpoint(Method, ContainerID)
    case delete(ContainerID, force: Bool)
    case state(ContainerID)
    /// `state` with `spec`.
    case describe(ContainerID)
    case list(List)
    case snapshot(Snapshot)
    case wait(ContainerID, ProcessName)
    case attach(Attach)
    case credit(ContainerID, ProcessName, bytes: UInt64)
    case detach(ContainerID, ProcessName)
    case stdin(Stdin)
    case logs(Logs)
    case events(Events)
    case drain(deadline: Duration?, stop: Bool)
    /// `drain` with `undo`.
    case undrain
    case listKeys
    case reloadKeys

    /// `create`.
    public struct Create: Sendable {
        /// The container's name.
        public var id: ContainerID
        /// An OCI specification, or the part of one that differs from the profile.
        public var spec: Value
        /// The profile; the configured default one where it is nil.
        public var profile: String?
        /// Whether the container is started at once.
        public var start = true
        /// Whether the first process gets a standard input.
        public var stdin = false
        /// Free text that `list` can select by.
        public var labels: [String: String] = [:]
        /// Whether the worker deletes the container once it has stopped.
        public var autoRemove = false
        /// Whether the first process's output is kept from its start on for a lossless attachment to come.
        public var lossless = false
    }

    /// `exec`.
    public struct Exec: Sendable {
        /// The container.
        public var id: ContainerID
        /// The new process's name.
        public var process: ProcessName
        /// An OCI `process`.
        public var spec: Value
        /// Whether it gets a standard input.
        public var stdin = false
        /// Whether its output is kept from its start on for a lossless attachment to come.
        public var lossless = false
    }

    /// Whose statistics.
    public enum StatsSelection: Sendable {
        case one(ContainerID)
        case some(Set<ContainerID>)
        case all
    }

    /// `list`.
    public struct List: Sendable {
        /// Only containers that have all of these.
        public var labels: [String: String] = [:]
        /// Only containers in one of these states.
        public var states: Set<ContainerRecord.State>?
        /// Only ids after this one.
        public var after: String?
        /// The most records.
        public var limit = 1000
    }

    /// `snapshot`: one page of all containers, in the order of their ids.
    public struct Snapshot: Sendable, Equatable {
        /// Only ids after this one.
        public var after: String?
        /// The most records.
        public var limit: Int
    }

    /// `attach`.
    public struct Attach: Sendable {
        /// Where to begin.
        public enum From: Sendable {
            case start, now
            case offset(UInt64)
        }
        /// The container.
        public var id: ContainerID
        /// The process.
        public var process: ProcessName
        /// Where to begin.
        public var from: From
        /// How many bytes may be sent before more credit comes.
        public var credit: UInt64
        /// Whether the process waits where the reader is behind.
        public var lossless: Bool
    }

    /// `stdin`.
    public struct Stdin: Sendable, Equatable {
        /// The container.
        public var id: ContainerID
        /// The process.
        public var process: ProcessName
        /// The bytes; none where only the end is meant.
        public var data: [UInt8]
        /// Whether nothing comes after them.
        public var eof: Bool
        /// How many bytes the process had been given before these; nil where the sender does not count them.
        ///
        /// With it a repeat is harmless: what was accepted before is skipped, and counts as accepted in the answer, so
        /// that `accepted` always counts from this offset. Bytes that would leave a gap are refused with
        /// `failed_precondition`, and `details.offset` is the number of bytes that the process has; nil there means
        /// that a restarted worker does not know it.
        public var offset: UInt64?
    }

    /// `logs`.
    public struct Logs: Sendable {
        /// Where to begin.
        public enum From: Sendable, Equatable {
            case offset(UInt64)
            /// With what was written then or later.
            case time(Timestamp)
        }
        /// The container.
        public var id: ContainerID
        /// The process.
        public var process: ProcessName
        /// Where to begin.
        public var from: From
        /// The most bytes.
        public var limit: Int
        /// Only so many of the last lines.
        public var tail: Int?
        /// Whether each chunk says when it was written.
        public var times: Bool
    }

    /// `events`.
    public struct Events: Sendable {
        /// Only events after this one.
        public var after: UInt64
        /// The most events.
        public var limit: Int
        /// Only these types.
        public var types: Set<Event.Kind>?
        /// Only these containers.
        public var ids: Set<ContainerID>?
    }

    /// A signal as the caller wrote it.
    public enum SignalName: Sendable, Equatable {
        case number(Int)
        /// In upper case, without `SIG`.
        case name(String)
    }
}
