public import ContainerModel
import ContainerProtocol
public import MessagePack

/// The calls that nearly every scheduler makes.
extension WorkerClient {
    /// Creates a container and, unless `start` is false, starts it.
    /// - Returns: `{id, state, pid?, warnings, ignored}`.
    @discardableResult
    public func create(
        _ id: ContainerID, _ spec: Value, profile: String? = nil, start: Bool = true, stdin: Bool = false,
        labels: [String: String] = [:]
    ) async throws -> Value {
        var parameters: Value.Map = [
            "id": .string(id.rawValue), "spec": spec, "start": .bool(start), "stdin": .bool(stdin),
        ]
        if let profile { parameters["profile"] = .string(profile) }
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
    public func state(_ id: ContainerID) async throws -> Value {
        try await call(.state, ["id": .string(id.rawValue)])
    }

    private func exit(_ value: Value, of method: Method) throws(Failure) -> Exit {
        guard let exit = Exit(value["exit"]) else {
            throw Failure(.internal, "the worker's answer to \(method.rawValue) has no exit")
        }
        return exit
    }
}
