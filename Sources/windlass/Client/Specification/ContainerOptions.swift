import ArgumentParser
import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack

/// The options of `run` and `create` for a container.
struct ContainerOptions: ParsableArguments {
    @Option(help: "The container's name; a random one where none is given.")
    var name: ContainerID?

    @Option(help: ArgumentHelp("An OCI specification as JSON; - is standard input.", valueName: "file"))
    var spec: String?

    @Option(help: "The worker's profile to build on; its default one where none is given.", completion: .profiles)
    var profile: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A label to find it by; KEY alone is one without a value.", valueName: "key=value"))
    var label: [LabelArgument] = []

    @OptionGroup var isolation: IsolationOptions

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
        let folder = FileManager.default.currentDirectoryPath
        let needsPlatform = isolation.dependsOnPlatform || !resources.isEmpty
        let platform = needsPlatform ? try await ResourceOptions.platform(session) : .linux
        var patch = try isolation.patch(folder: folder, platform)
        if !resources.isEmpty { patch[platform.rawValue] = ["resources": try resources.limits(for: platform)] }
        specification = Value.map(specification).merging(.map(patch)).map ?? specification
        let id = try name ?? ContainerID(RandomName.container()).orFail("a random name")
        var parameters = more
        parameters["spec"] = .map(specification)
        if let profile { parameters["profile"] = .string(profile) }
        if !label.isEmpty { parameters["labels"] = label.map(\.pair).wireValue }
        let result = try await session.call(.create, id, parameters)
        session.console.reportWarnings(of: result)
        return Created(id: id, result: result, hasTerminal: process["terminal"] == true)
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
