import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass kill`: sends a signal to containers, by default the one that ends them.
struct KillCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Kill containers, or send them another signal.",
        usage: "windlass kill [<options>] <container> ...",
        discussion: "The signal may be an option of its own too: -9, -TERM.")

    @Option(
        name: [.customShort("s", allowingJoined: true), .long], help: "The signal's name or number.",
        completion: .signals)
    var signal = "KILL"

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        let signal = SignalArgument.value(signal)
        try await session.forEach(ids, .beginningAtTerminal) { id in
            try await session.call(.signal, id, ["signal": signal])
            try session.console.done(id)
        }
    }
}
