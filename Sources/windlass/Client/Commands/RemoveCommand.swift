import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass rm`: forgets containers.
struct RemoveCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove containers that do not run.",
        usage: "windlass rm [<options>] <container> ...",
        discussion: "With -f a container that is not there is no failure.",
        aliases: ["delete", "remove"])

    @Flag(name: .shortAndLong, help: "End them by force first where they run.")
    var force = false

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids, force ? .wholeName : .beginningAtTerminal, mayBeGone: force) { id in
            try await session.call(.delete, id, ["force": .bool(force)])
            try session.console.done(id)
        }
    }
}
