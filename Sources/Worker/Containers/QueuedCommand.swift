import ContainerProtocol

/// A mutating command, checked and ready to stand in a container's line.
struct QueuedCommand: Sendable {
    enum Kind: Sendable {
        case create(Creation)
        case start
        case exec(ProcessName, OCIProcess, stdin: Bool)
        case pause, resume, restore
        case update(OCIResources, ignored: [String])
        case checkpoint
        case delete(force: Bool)
    }

    /// What a new container is made of.
    struct Creation: Sendable {
        var specification: OCISpecification
        var ignored: [String]
        var labels: [String: String]
        var start: Bool
        var stdin: Bool
    }

    var id: ContainerID
    var kind: Kind
    var responder: Responder
    var requestID: String?
    var traceparent: String?
}
