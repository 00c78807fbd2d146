public import ContainerModel
public import ContainerProtocol
public import MessagePack

/// The calls that nearly every scheduler makes.
extension WorkerClient {
    /// Creates a container and, unless `start` is false, starts it.
    @discardableResult
    public func create(
        _ id: ContainerID, _ spec: Value, profile: String? = nil, start: Bool = true, stdin: Bool = false,
        labels: [String: String] = [:]
    ) async throws(Failure) -> Created {
        var parameters: Value.Map = [
            "id": .string(id.rawValue), "spec": spec, "start": .bool(start), "stdin": .bool(stdin),
        ]
        if let profile { parameters["profile"] = .string(profile) }
        if !labels.isEmpty {
            parameters["labels"] = .map(Value.Map(uniqueKeysWithValues: labels.map { ($0.key, .string($0.value)) }))
        }
        let answer = try await call(.create, .map(parameters))
        return try WorkerClient.read(Created(answer), .create)
    }

    /// Asks what a `create` would hand to the host's container service. Nothing is made, and the id is not taken.
    public func plan(_ id: ContainerID, _ spec: Value, profile: String? = nil) async throws(Failure) -> CreationPlan {
        var parameters: Value.Map = ["id": .string(id.rawValue), "spec": spec, "dry_run": true]
        if let profile { parameters["profile"] = .string(profile) }
        let answer = try await call(.create, .map(parameters))
        return try WorkerClient.read(CreationPlan(answer), .create)
    }

    /// Waits until a process has exited, however long that takes and however often the worker is restarted meanwhile.
    public func wait(_ id: ContainerID, _ process: ProcessName = .initial) async throws(Failure) -> Exit {
        let answer = try await call(.wait, .map(ProcessReference(id, process).parameters))
        return try WorkerClient.read(Exit(answer["exit"]), .wait)
    }

    /// Asks a container to end, and ends it by force after `grace`.
    public func stop(_ id: ContainerID, grace: Duration = .seconds(10)) async throws(Failure) -> Exit {
        let milliseconds = UInt64(max(0, (grace / .milliseconds(1)).rounded()))
        let answer = try await call(.stop, ["id": .string(id.rawValue), "grace_ms": .unsigned(milliseconds)])
        return try WorkerClient.read(Exit(answer["exit"]), .stop)
    }

    /// Forgets a stopped container; ends it by force first where `force` is true.
    public func delete(_ id: ContainerID, force: Bool = false) async throws(Failure) {
        _ = try await call(.delete, ["id": .string(id.rawValue), "force": .bool(force)])
    }

    /// The container's record.
    public func state(_ id: ContainerID) async throws(Failure) -> ContainerRecord {
        try WorkerClient.read(ContainerRecord(try await call(.state, ["id": .string(id.rawValue)])), .state)
    }

    /// - Parameter answer: nil where the worker's answer is not of that type.
    private static func read<Answer>(_ answer: Answer?, _ method: Method) throws(Failure) -> Answer {
        guard let answer else {
            throw Failure(
                .internal, "the worker's answer to \(method.rawValue) cannot be read: is it of another release?")
        }
        return answer
    }
}
