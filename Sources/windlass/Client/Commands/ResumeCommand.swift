import ArgumentParser
import ContainerModel

/// `windlass resume`: lets frozen containers go on.
struct ResumeCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let frozen containers go on.", aliases: ["unpause"])

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids) { id in
            try session.console.done(id, try await session.call(.resume, id))
        }
    }
}
