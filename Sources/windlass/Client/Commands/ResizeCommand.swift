import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass resize`: gives a process's terminal another size, where no terminal of this side does it.
struct ResizeCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "resize", abstract: "Change the size of a process's terminal.",
        usage: "windlass resize [<options>] <container> <width> <height>")

    @Option(help: "The process within the container.")
    var process = ProcessName.initial

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The container.", valueName: "container"), completion: .containers)
    var id: ContainerID

    @Argument(help: "How many columns.")
    var width: UInt16

    @Argument(help: "How many rows.")
    var height: UInt16

    func perform(_ session: Session) async throws {
        let id = try await session.container(id)
        try await session.call(
            .resize, id, ["process": .string(process.rawValue), "width": .int(width), "height": .int(height)])
        try session.console.done(id)
    }
}
