import ArgumentParser
import ContainerModel

/// `windlass pause`: freezes containers.
struct PauseCommand: ClientCommand {
    static let configuration = CommandConfiguration(commandName: "pause", abstract: "Freeze containers.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids) { id in
            try session.console.done(id, try await session.call(.pause, id))
        }
    }
}
