import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack
import WorkerClient

/// `windlass restart`: runs containers anew.
struct RestartCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Run containers anew: stop them, remove them, and create them from what they were made of.",
        usage: "windlass restart [<options>] <container> ...",
        discussion: """
            A container runs once, so this is a new one of the same name: its events go on, its output begins anew. The \
            steps come one after another. Where one fails, or this program is ended, the command may be repeated: what \
            the container was made of is kept here until it is there again.
            """)

    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("time")],
        help: ArgumentHelp("How long to wait for its end.", valueName: "seconds"))
    var grace = TimeSpan(.seconds(10))

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        let notes = RestartNotes(endpoint: session.client.endpoint)
        // A name is looked up in restart itself: a container that a former restart removed is in the notes only.
        try await session.forEach(ids, .wholeName) { name in
            if let parameters = try notes.read(name), try await !RestartCommand.exists(name, session) {
                return try await RestartCommand.create(name, parameters, notes, session)
            }
            let id = try await session.container(name, .beginningAtTerminal)
            let parameters = try RestartCommand.parameters(of: try await session.specification(of: id), id)
            try notes.write(id, parameters)
            try await RestartCommand.remove(id, grace, session)
            try await RestartCommand.create(id, parameters, notes, session)
        }
    }

    private static func exists(_ id: ContainerID, _ session: Session) async throws -> Bool {
        do {
            try await session.call(.state, id)
            return true
        } catch let failure as Failure where failure.code == .notFound {
            return false
        }
    }

    /// The parameters of the `create` that makes a container of this record again. Pure.
    static func parameters(of record: Value, _ id: ContainerID) throws -> Value.Map {
        guard let spec = record["spec"], spec.map != nil else {
            throw Failure(
                .unimplemented,
                "\(id): the worker does not say what the container was made of; remove it and run it again")
        }
        var parameters: Value.Map = ["spec": spec]
        for key in ["profile", "stdin", "auto_remove"] {
            if let value = record[key], !value.isNull { parameters[key] = value }
        }
        if let labels = record["labels"]?.map, !labels.isEmpty { parameters["labels"] = .map(labels) }
        return parameters
    }

    /// Ends and deletes it. A container that is gone meanwhile is as good.
    private static func remove(_ id: ContainerID, _ grace: TimeSpan, _ session: Session) async throws {
        do {
            let state = try await session.call(.state, id)["state"]?.string
            if state != "stopped", state != "created" { try await StopCommand.stop(id, grace, session) }
            try await session.call(.delete, id)
        } catch let failure as Failure where failure.code == .notFound {
            // With auto_remove the worker deletes it when it has stopped.
        }
    }

    private static func create(
        _ id: ContainerID, _ parameters: Value.Map, _ notes: RestartNotes, _ session: Session
    ) async throws {
        let result: Value
        do {
            result = try await session.call(.create, id, parameters)
        } catch let failure as Failure where failure.code != .alreadyExists {
            throw Failure(
                failure.code,
                "\(id) is removed and could not be created again; `windlass restart \(id)` tries that once more: "
                    + failure.message, retryable: failure.retryable, details: failure.details)
        }
        notes.remove(id)
        try session.console.done(id, result)
    }
}
