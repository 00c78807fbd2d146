import ContainerModel
import MessagePack

/// A mutating command, checked and ready for a container's lane.
final class QueuedCommand: Sendable {
    enum Kind: Sendable {
        case create(Creation)
        case start
        case exec(Exec)
        case pause, resume, restore
        case update(OCIResources, ignored: [String])
        case checkpoint
        case delete(force: Bool)

        /// The method's name, for logs and records.
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
        /// Whether its output is kept for a lossless reader to come.
        var lossless = false
    }

    /// What a new container is made of.
    final class Creation: Sendable {
        let specification: OCISpecification
        /// The specification as it was given, for the record.
        let source: Value
        let ignored: [String]
        let labels: [String: String]
        let start: Bool
        let stdin: Bool
        /// The profile that it builds on.
        let profile: String?
        let autoRemove: Bool
        /// Whether the first process's output is kept for a lossless reader to come.
        let lossless: Bool

        init(
            specification: OCISpecification, source: Value, ignored: [String] = [], labels: [String: String] = [:],
            start: Bool, stdin: Bool, profile: String? = nil, autoRemove: Bool = false, lossless: Bool = false
        ) {
            self.profile = profile
            self.autoRemove = autoRemove
            self.lossless = lossless
            self.specification = specification
            self.source = source
            self.ignored = ignored
            self.labels = labels
            self.start = start
            self.stdin = stdin
        }

        /// The same without all but the first process: once the compute system exists, only that is still of interest.
        func onlyProcess() -> Creation {
            var specification = OCISpecification()
            specification.process = self.specification.process
            let source = self.source["process"].map { Value.map(["process": $0]) } ?? self.source
            return Creation(
                specification: specification, source: source, start: start, stdin: stdin, lossless: lossless)
        }
    }

    let id: ContainerID
    let kind: Kind
    /// The way back to the peer that sent it; nil where none waits.
    let responder: Responder?
    /// The request that it came by, where that runs once.
    let request: RequestKey?
    let cause: Cause
    /// When it came; nil where no request brought it.
    let queuedAt: ContinuousClock.Instant?

    init(
        id: ContainerID, kind: Kind, responder: Responder? = nil, request: RequestKey? = nil,
        cause: Cause = Cause(requestID: nil, traceparent: nil), queuedAt: ContinuousClock.Instant? = nil
    ) {
        self.id = id
        self.kind = kind
        self.responder = responder
        self.request = request
        self.cause = cause
        self.queuedAt = queuedAt
    }
}
