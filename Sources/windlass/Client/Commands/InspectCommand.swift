import ArgumentParser
import ContainerModel
import ContainerProtocol

/// `windlass inspect`: all that the worker knows of containers.
struct InspectCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show all that the worker knows of containers, as JSON.",
        discussion: "With --format json: one container a line.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        var failed = false
        // In the order that was asked for.
        for id in ids {
            do {
                let record = try await session.call(.state, id)
                try session.console.line(session.console.format == .json ? record.json : record.prettyJSON)
            } catch let failure as Failure where failure.code == .notFound {
                session.console.report(failure)
                failed = true
            }
        }
        if failed { throw ExitCodes.failed }
    }
}
