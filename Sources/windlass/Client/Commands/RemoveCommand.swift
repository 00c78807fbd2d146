import ArgumentParser
import ContainerModel

/// `windlass rm`: forgets containers.
struct RemoveCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove stopped containers.", aliases: ["delete"])

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .shortAndLong, help: "End them by force first where they run.")
    var force = false

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids) { id in
            try await session.call(.delete, id, ["force": .bool(force)])
            try session.console.done(id)
        }
    }
}
