import ArgumentParser
import ContainerModel
import ContainerProtocol

/// `windlass pause`: freezes containers.
struct PauseCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Freeze containers.", usage: "windlass pause [<options>] <container> ...")

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids, .beginningAtTerminal) { id in
            try session.console.done(id, try await session.call(.pause, id))
        }
    }
}
