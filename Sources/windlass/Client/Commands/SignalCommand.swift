import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass signal`: sends a signal to one process of a container.
struct SignalCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Send a signal to a process of a container.")

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The process within the container.")
    var process = ProcessName.initial

    @Argument(help: ArgumentHelp("The container.", valueName: "container"))
    var id: ContainerID

    @Argument(help: "The signal's name or number.")
    var signal: String

    func perform(_ session: Session) async throws {
        try await session.call(
            .signalProcess, id, ["process": .string(process.rawValue), "signal": SignalArgument.value(signal)])
        try session.console.done(id)
    }
}
