public import ContainerModel
public import ContainerProtocol
public import MessagePack

/// The calls that nearly every scheduler makes.
extension WorkerClient {
    /// Creates a container and, unless `start` is false, starts it.
    /// - Parameter autoRemove: whether the worker deletes it once it has stopped.
    @discardableResult
    public func create(
        _ id: ContainerID, _ spec: Value, profile: String? = nil, start: Bool = true, stdin: Bool = false,
        labels: [String: String] = [:], autoRemove: Bool = false
    ) async throws(Failure) -> Created {
        var parameters: Value.Map = [
            "id": .string(id.rawValue), "spec": spec, "start": .bool(start), "stdin": .bool(stdin),
        ]
        if let profile { parameters["profile"] = .string(profile) }
        if autoRemove { parameters["auto_remove"] = true }
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

    /// The container's record. The method `state` with `spec` also has what the container is made of.
    public func state(_ id: ContainerID) async throws(Failure) -> ContainerRecord {
        try WorkerClient.read(ContainerRecord(try await call(.state, ["id": .string(id.rawValue)])), .state)
    }

    /// One page of what a process has written.
    /// - Parameters:
    ///   - tail: only so many of the last lines.
    ///   - times: whether each chunk says when it was written.
    /// - Returns: `{chunks, next, eof, dropped, dropped_unknown?}`; go on at `next`.
    public func logs(
        _ id: ContainerID, _ process: ProcessName = .initial, from: LogStart = .offset(0), tail: Int? = nil,
        times: Bool = false
    ) async throws(Failure) -> Value {
        var parameters = ProcessReference(id, process).parameters
        parameters["from"] = from.value
        if let tail { parameters["tail"] = .int(max(0, tail)) }
        if times { parameters["times"] = true }
        return try await call(.logs, .map(parameters))
    }

    /// Has the worker take no new container, or take them again.
    public func drain(undo: Bool = false) async throws(Failure) {
        _ = try await call(.drain, undo ? ["undo": true] : [:])
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
