import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// The options of `run` and `create` for a container.
struct ContainerOptions: ParsableArguments {
    @Option(help: "The container's name; a random one where none is given.")
    var name: ContainerID?

    @Option(help: ArgumentHelp("An OCI specification as JSON; - is standard input.", valueName: "file"))
    var spec: String?

    @Option(help: "The worker's profile to build on; its default one where none is given.")
    var profile: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("A label to find it by.", valueName: "key=value"))
    var label: [KeyValue] = []

    @OptionGroup var resources: ResourceOptions

    /// A container that exists now.
    struct Created {
        let id: ContainerID
        /// The worker's answer.
        let result: Value
        /// Whether its first process has a terminal.
        let hasTerminal: Bool
    }

    /// Creates a container.
    func create(_ session: Session, _ options: ProcessOptions, _ command: [String], start: Bool) async throws -> Created
    {
        try await send(
            session, options, command, ["start": .bool(start), "stdin": .bool(options.interactive)])
    }

    /// Sends a `create` with further parameters.
    func send(
        _ session: Session, _ options: ProcessOptions, _ command: [String], _ more: Value.Map
    ) async throws -> Created {
        var specification = try spec.map { try SpecificationFile.read($0).map ?? [:] } ?? [:]
        let process = try options.process(command, over: specification["process"])
        if !process.isEmpty { specification["process"] = .map(process) }
        if let (platform, limits) = try await resources.limits(session) {
            let patch: Value = .map([platform.rawValue: ["resources": limits]])
            specification = Value.map(specification).merging(patch).map ?? specification
        }
        let id = try name ?? ContainerID(RandomName.container()).orFail("a random name")
        var parameters = more
        parameters["spec"] = .map(specification)
        if let profile { parameters["profile"] = .string(profile) }
        if !label.isEmpty { parameters["labels"] = label.wireValue }
        let result = try await session.call(.create, id, parameters)
        reportWarnings(result, session.console)
        return Created(id: id, result: result, hasTerminal: process["terminal"] == true)
    }

    private func reportWarnings(_ result: Value, _ console: Console) {
        for warning in result["warnings"]?.array ?? [] { console.note("warning: \(warning.string ?? "")") }
        let ignored = (result["ignored"]?.array ?? []).compactMap(\.string)
        if !ignored.isEmpty { console.note("warning: the worker ignores \(ignored.joined(separator: ", "))") }
    }
}

extension Optional {
    /// The value.
    /// - Throws: `internal`, where there is none.
    func orFail(_ what: String) throws -> Wrapped {
        guard let self else { throw Failure(.internal, "\(what) could not be made") }
        return self
    }
}
