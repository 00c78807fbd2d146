import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass kill`: sends a signal to containers, by default the one that ends them.
struct KillCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Kill containers, or send them another signal.")

    @OptionGroup var connection: ConnectionOptions

    @Option(name: .shortAndLong, help: "The signal's name or number.")
    var signal = "KILL"

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        let signal = SignalArgument.value(signal)
        try await session.forEach(ids) { id in
            try await session.call(.signal, id, ["signal": signal])
            try session.console.done(id)
        }
    }
}
