public import ContainerProtocol
import Foundation
import Logging
public import MessagePack
import ZeroMQ

/// Everything about a worker that can be chosen; the defaults are those of `config/windlass.example.yaml`.
public struct WorkerConfiguration: Sendable {
    /// The host's name in events and in `version`.
    public var host: String
    /// Where the ROUTER serves; a `>` before an endpoint connects to it instead.
    public var commandEndpoints = ["tcp://127.0.0.1:5770"]
    /// Where the publisher serves; a `>` before an endpoint connects to it instead.
    public var eventEndpoints = ["tcp://127.0.0.1:5771"]
    /// Where metrics and health are served by HTTP; nil for ``defaultHTTPEndpoints``, as far as they are free.
    public var httpEndpoints: [String]?
    /// Who may come in.
    public var access = Access()
    /// The permissions of the socket files of `ipc://` endpoints.
    public var ipcMode = FileMode(0o660)
    /// Where the worker keeps what must survive it.
    public var stateDirectory: String
    /// Specifications that `create` builds on, by name.
    public var profiles: [String: Value] = [:]
    /// The profile of a `create` that names none.
    public var defaultProfile: String?
    /// Where the worker keeps events, the containers' records and the answers to requests.
    public var journal = JournalPlace.disk
    /// What else than its own death the worker's memory survives.
    public var synchronous = Synchronous.normal
    /// What a stop of the worker does to containers that could outlive it.
    public var onStop = OnStop.leave
    /// What becomes of compute systems that are this worker's own and of which it has no record.
    public var orphans = Orphans.report
    /// Bounds of everything that could grow.
    public var limits = Limits()
    /// How long things may take.
    public var times = Times()

    /// Where metrics and health are served unless something else is chosen.
    public static let defaultHTTPEndpoints = ["tcp://127.0.0.1:5772"]

    /// A worker of `host` that keeps its state in `stateDirectory`.
    public init(host: String, stateDirectory: String) {
        self.host = host
        self.stateDirectory = stateDirectory
    }

    /// Who may come in, and how many of them.
    public struct Access: Sendable {
        /// The file of the worker's own secret key; without one no other host can come in.
        public var serverKey: String?
        /// The directory with a file for each key that may come in.
        public var clientsDirectory = ""
        /// What peers of this host may do; nil for nothing.
        public var localRole: Role? = .admin
        /// What users of this host may do by `ipc://`, by user id, in place of `localRole`.
        public var localUsers: [UInt32: Role] = [:]
        /// Connections of one socket.
        public var connections = 1024
        /// Connections of one principal with a key, of all sockets.
        public var principalConnections = 64
        /// Handshakes of all principals with a key in a second, and ten times as many as of each.
        public var handshakesPerSecond = 200

        /// The defaults.
        public init() {}
    }

    /// Where the worker keeps events, the containers' records and the answers to requests.
    public enum JournalPlace: String, Sendable, CaseIterable {
        /// In its state directory.
        case disk
        /// In memory: nothing survives. For measurements.
        case memory
    }

    /// What else than its own death the worker's memory survives.
    public enum Synchronous: String, Sendable, CaseIterable {
        /// A loss of power may cost what was kept in the last moments before it.
        case normal
        /// A loss of power costs nothing: every commit waits for the disk.
        case full
    }

    /// What a stop of the worker does to containers that could outlive it.
    public enum OnStop: String, Sendable, CaseIterable {
        /// They run on, and the next worker finds them.
        case leave
        /// They are ended by force first.
        case stop
    }

    /// What becomes of compute systems that are this worker's own and of which it has no record.
    public enum Orphans: String, Sendable, CaseIterable {
        /// They get a record, and a `restore` event.
        case adopt
        /// `health` and the log name them; they run on.
        case report
        /// They are ended by force.
        case terminate
    }

    /// Whether the state directory had an owner's mark before this start: then a worker has been here.
    public var hasBeenUsed = false
    /// A death that is to come, for tests.
    public var crashPlan: CrashPlan?

    /// Bounds of everything that could grow.
    public struct Limits: Sendable {
        /// Bytes of one request.
        public var messageBytes = 1 << 20
        /// Mutating requests that wait for one container.
        public var queueDepth = 128
        /// Requests of one peer that wait for an answer.
        public var peerRequests = 4096
        /// Requests of all peers that wait for an answer.
        public var requests = 65_536
        /// Containers that are remembered, stopped ones included.
        public var containers = 200_000
        /// Stopped containers that are remembered; 0 for no limit of their own.
        public var stoppedContainers = 0
        /// Bytes of output kept per process.
        public var outputBytes = 8 << 20
        /// Peers that may be attached to one process.
        public var attachments = 64
        /// Creations and starts that run at a time.
        public var creations = 8
        /// Driver calls that run at a time.
        public var driverCalls = 64
        /// Stuck driver calls that get a thread in place of theirs.
        public var stuckCalls = 256
        /// Events kept for `events`.
        public var events = 1_000_000
        /// Requests with a `request_id` that are remembered.
        public var rememberedRequests = 100_000
        /// Messages queued for one peer or subscriber.
        public var highWaterMark: Int32 = 10_000

        /// The defaults.
        public init() {}
    }

    /// How long things may take.
    public struct Times: Sendable {
        /// After this a driver call is stuck.
        public var watchdog = Duration.seconds(60)
        /// Events are kept for this long.
        public var eventAge = Duration.seconds(7 * 86_400)
        /// Requests with a `request_id` are remembered for this long.
        public var requestAge = Duration.seconds(86_400)
        /// Between comparisons of the containers' states with the host's.
        public var checkInterval = Duration.seconds(60)
        /// A stop of the worker may take this long.
        public var stop = Duration.seconds(10)
        /// Unsent messages are kept this long when the worker stops.
        public var linger = Duration.seconds(1)
        /// A TCP connection that is silent for this long is probed by the system, and again after each such time.
        public var heartbeatInterval = Duration.seconds(10)
        /// A peer that answers no probe for this long is gone.
        public var heartbeatTimeout = Duration.seconds(30)
        /// A lossless reader that keeps a process waiting for this long holds it no more.
        public var losslessReader = Duration.seconds(30)
        /// Stopped containers are deleted after this; zero for never.
        public var stoppedRetention = Duration.zero
        /// A ZMTP handshake may take this long.
        public var handshake = Duration.seconds(3)

        /// How long a stop may take in all: what the worker allows for it, and some more for the rest.
        public var longestStop: Duration { stop + linger + .seconds(10) }

        /// The defaults.
        public init() {}
    }
}

extension WorkerConfiguration {
    /// What is looked at of the state directory; nil where nothing is kept there.
    var footingLook: FootingLook? {
        guard journal == .disk else { return nil }
        let database = JournalFiles(URL(fileURLWithPath: stateDirectory)).database
        return FootingLook(
            stateDirectory: stateDirectory,
            places: [
                FootingLook.Place(stateDirectory, "the state directory"),
                FootingLook.Place(database, "the journal"),
            ].compactMap { $0 })
    }

    /// How long events are kept.
    var eventRetention: EventRetention {
        EventRetention(count: limits.events, seconds: times.eventAge.components.seconds)
    }

    /// The journal of the state directory.
    func openJournal(on loop: SocketLoop, logger: Logger) throws -> any Journal {
        switch journal {
        case .memory: MemoryJournal(limit: limits.events)
        case .disk: try SQLiteJournal(configuration: self, loop: loop, logger: logger)
        }
    }
}
