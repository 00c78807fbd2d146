/// What the driver records of a container in its folder, for the next worker. Written before anything is done; a record
/// that is lost with the power is of a container that is gone too.
struct ContainerFile: Equatable, Sendable {
    /// How far the container has come.
    enum Phase: String, Sendable {
        /// It is being made: what there is of it is removed if the worker dies.
        case creating
        case created
        /// Its first process was about to be started, or has been.
        case started
        /// Its end was reported; it is being removed.
        case ended
    }

    var phase = Phase.creating
    /// Whose container it is.
    var owner: String
    /// The boot of the host in which it was made.
    var boot: String
    /// The working directory of the first process.
    var directory = "/"
    var hasTerminal = false
    /// Whether the kernel ends everything in it with its first process.
    var hasOwnProcesses = true
    /// The runtime that made it.
    var runtime: String
    /// Whether its specification has hooks, which only the runtime's own commands run.
    var hasHooks = false
    /// Its network namespace, where the driver made it.
    var namespace: String?
    /// The CNI network that the namespace was connected to, and the result of its plugins.
    var network: String?
    var networkResult: String?
    /// Whether its root is an overlay that the driver mounted.
    var isMounted = false
    /// Nanoseconds since 1970 at which its first process was started.
    var startedAt: UInt64 = 0

    /// The version of this format.
    private static let version: Int64 = 1

    init(owner: String, boot: String, runtime: String) {
        self.owner = owner
        self.boot = boot
        self.runtime = runtime
    }

    /// Nil where it cannot be read, or is another driver's.
    init?(_ bytes: [UInt8]) {
        guard let json = JSONParser.parse(bytes), json["version"]?.integer == ContainerFile.version,
            let phase = json["phase"]?.string.flatMap(Phase.init(rawValue:)), let owner = json["owner"]?.string,
            let boot = json["boot"]?.string, let runtime = json["runtime"]?.string
        else { return nil }
        self.init(owner: owner, boot: boot, runtime: runtime)
        self.phase = phase
        directory = json["directory"]?.string ?? "/"
        hasTerminal = json["terminal"]?.bool ?? false
        hasOwnProcesses = json["own_processes"]?.bool ?? false
        hasHooks = json["hooks"]?.bool ?? false
        namespace = json["namespace"]?.string
        network = json["network"]?.string
        networkResult = json["network_result"]?.string
        isMounted = json["mounted"]?.bool ?? false
        startedAt = json["started_at"]?.unsigned ?? 0
    }

    var bytes: [UInt8] {
        var json: JSONObject = JSONObject()
        json["version"] = .integer(ContainerFile.version)
        json["phase"] = .string(phase.rawValue)
        json["owner"] = .string(owner)
        json["boot"] = .string(boot)
        json["runtime"] = .string(runtime)
        json["directory"] = .string(directory)
        json["terminal"] = .bool(hasTerminal)
        json["own_processes"] = .bool(hasOwnProcesses)
        json["hooks"] = .bool(hasHooks)
        json["namespace"] = namespace.map { .string($0) }
        json["network"] = network.map { .string($0) }
        json["network_result"] = networkResult.map { .string($0) }
        json["mounted"] = .bool(isMounted)
        json["started_at"] = .unsigned(startedAt)
        return JSON.object(json).bytes
    }
}
