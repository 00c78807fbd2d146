import ArgumentParser
import ContainerModel
import ContainerProtocol

/// `windlass resume`: lets frozen containers go on.
struct ResumeCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let frozen containers go on.",
        usage: "windlass resume [<options>] <container> ...", aliases: ["unpause"])

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids, .beginningAtTerminal) { id in
            try session.console.done(id, try await session.call(.resume, id))
        }
    }
}
