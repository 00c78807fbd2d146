import ArgumentParser
import ContainerModel

/// `windlass start`: runs the first process of containers that were created.
struct StartCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start containers that were created.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids) { id in
            try session.console.done(id, try await session.call(.start, id))
        }
    }
}
