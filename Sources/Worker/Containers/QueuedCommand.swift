import ContainerProtocol
import MessagePack

/// A mutating command, checked and ready to stand in a container's line.
struct QueuedCommand: Sendable {
    enum Kind: Sendable {
        case create(Creation)
        case start
        case exec(Exec)
        case pause, resume, restore
        case update(OCIResources, ignored: [String])
        case checkpoint
        case delete(force: Bool)

        /// The method's name, for logs.
        var name: String {
            switch self {
            case .create: "create"
            case .start: "start"
            case .exec: "exec"
            case .pause: "pause"
            case .resume: "resume"
            case .restore: "restore"
            case .update: "update"
            case .checkpoint: "checkpoint"
            case .delete: "delete"
            }
        }
    }

    /// One more process.
    struct Exec: Sendable {
        var name: ProcessName
        var process: OCIProcess
        var stdin: Bool
        var ignored: [String]
    }

    /// What a new container is made of.
    struct Creation: Sendable {
        var specification: OCISpecification
        /// The specification as it was given, for the record.
        var source: Value
        var ignored: [String]
        var labels: [String: String]
        var start: Bool
        var stdin: Bool

        /// The compute system exists: only its first process is still of interest.
        mutating func forgetAllButProcess() {
            if let process = source["process"] { source = .map(["process": process]) }
        }
    }

    var id: ContainerID
    var kind: Kind
    var responder: Responder
    /// The request that it came by, where that runs once.
    var request: RequestKey?
    var requestID: String?
    var traceparent: String?
}
