import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass update`: changes the limits of a container.
struct UpdateCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change the limits of a container while it runs.",
        usage: "windlass update [<options>] <container>")

    @OptionGroup var resources: ResourceOptions
    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The container.", valueName: "container"), completion: .containers)
    var id: ContainerID

    func validate() throws {
        guard !resources.isEmpty else { throw ValidationError("Say what to change, for example --memory 256m") }
    }

    func perform(_ session: Session) async throws {
        let limits = try resources.limits(for: try await ResourceOptions.platform(session))
        let id = try await session.container(id, .beginningAtTerminal)
        let result = try await session.call(.update, id, ["resources": limits])
        let ignored = (result["ignored"]?.array ?? []).compactMap(\.string)
        switch session.console.format {
        case .json: try session.console.done(id, result)
        case .table:
            for field in result["applied"]?.array ?? [] { try session.console.line("\(field.string ?? "") applied") }
            if !ignored.isEmpty {
                session.console.note(
                    "\(id): this driver cannot change \(ignored.joined(separator: ", ")) while it runs")
            }
        }
        if !ignored.isEmpty { throw ExitCodes.failed }
    }
}
