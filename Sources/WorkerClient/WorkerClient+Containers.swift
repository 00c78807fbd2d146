public import ContainerModel
import ContainerProtocol
public import MessagePack

/// The calls that nearly every scheduler makes.
extension WorkerClient {
    /// Creates a container and, unless `start` is false, starts it.
    /// - Parameter autoRemove: whether the worker deletes it once it has stopped.
    /// - Returns: `{id, state, pid?, warnings, ignored}`.
    @discardableResult
    public func create(
        _ id: ContainerID, _ spec: Value, profile: String? = nil, start: Bool = true, stdin: Bool = false,
        labels: [String: String] = [:], autoRemove: Bool = false
    ) async throws -> Value {
        var parameters: Value.Map = [
            "id": .string(id.rawValue), "spec": spec, "start": .bool(start), "stdin": .bool(stdin),
        ]
        if let profile { parameters["profile"] = .string(profile) }
        if autoRemove { parameters["auto_remove"] = true }
        if !labels.isEmpty {
            parameters["labels"] = .map(Value.Map(uniqueKeysWithValues: labels.map { ($0.key, .string($0.value)) }))
        }
        return try await call(.create, .map(parameters))
    }

    /// Asks what a `create` would hand to the host's container service. Nothing is made, and the id is not taken.
    /// - Returns: `{document, warnings, ignored}`; `document` is JSON text.
    public func plan(_ id: ContainerID, _ spec: Value, profile: String? = nil) async throws -> Value {
        var parameters: Value.Map = ["id": .string(id.rawValue), "spec": spec, "dry_run": true]
        if let profile { parameters["profile"] = .string(profile) }
        return try await call(.create, .map(parameters))
    }

    /// Waits until a process has exited, however long that takes and however often the worker is restarted meanwhile.
    public func wait(_ id: ContainerID, _ process: ProcessName = .initial) async throws -> Exit {
        try exit(try await call(.wait, .map(ProcessReference(id, process).parameters)), of: .wait)
    }

    /// Asks a container to end, and ends it by force after `grace`.
    public func stop(_ id: ContainerID, grace: Duration = .seconds(10)) async throws -> Exit {
        let milliseconds = UInt64(max(0, (grace / .milliseconds(1)).rounded()))
        return try exit(
            try await call(.stop, ["id": .string(id.rawValue), "grace_ms": .unsigned(milliseconds)]), of: .stop)
    }

    /// Forgets a stopped container; ends it by force first where `force` is true.
    public func delete(_ id: ContainerID, force: Bool = false) async throws {
        _ = try await call(.delete, ["id": .string(id.rawValue), "force": .bool(force)])
    }

    /// The container's record.
    /// - Parameter spec: whether it comes with what the container is made of: `spec`, `profile` and `warnings`.
    public func state(_ id: ContainerID, spec: Bool = false) async throws -> Value {
        try await call(.state, ["id": .string(id.rawValue), "spec": .bool(spec)])
    }

    /// One page of what a process has written.
    /// - Parameters:
    ///   - tail: only so many of the last lines.
    ///   - times: whether each chunk says when it was written.
    /// - Returns: `{chunks, next, eof, dropped, dropped_unknown?}`; go on at `next`.
    public func logs(
        _ id: ContainerID, _ process: ProcessName = .initial, from: LogStart = .offset(0), tail: Int? = nil,
        times: Bool = false
    ) async throws -> Value {
        var parameters = ProcessReference(id, process).parameters
        parameters["from"] = from.value
        if let tail { parameters["tail"] = .int(max(0, tail)) }
        if times { parameters["times"] = true }
        return try await call(.logs, .map(parameters))
    }

    /// Has the worker take no new container, or take them again.
    public func drain(undo: Bool = false) async throws {
        _ = try await call(.drain, undo ? ["undo": true] : [:])
    }

    private func exit(_ value: Value, of method: Method) throws(Failure) -> Exit {
        guard let exit = Exit(value["exit"]) else {
            throw Failure(.internal, "the worker's answer to \(method.rawValue) has no exit")
        }
        return exit
    }
}
