import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass signal`: sends a signal to one process of a container.
struct SignalCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Send a signal to a process of a container.",
        usage: "windlass signal [<options>] <container> <signal>")

    @Option(help: "The process within the container.")
    var process = ProcessName.initial

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The container.", valueName: "container"), completion: .containers)
    var id: ContainerID

    @Argument(help: "The signal's name or number.", completion: .signals)
    var signal: String

    func perform(_ session: Session) async throws {
        let id = try await session.container(id, .beginningAtTerminal)
        try await session.call(
            .signalProcess, id, ["process": .string(process.rawValue), "signal": SignalArgument.value(signal)])
        try session.console.done(id)
    }
}
