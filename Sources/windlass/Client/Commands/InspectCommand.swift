import ArgumentParser
import ContainerModel
import ContainerProtocol

/// `windlass inspect`: all that the worker knows of containers.
struct InspectCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show all that the worker knows of containers, as JSON.",
        usage: "windlass inspect [<options>] <container> ...",
        discussion: """
            The record; the specification as profile and request made it, with the profile's name; and what of it \
            nothing honours. With --format json: one container a line.
            """)

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        var failed = false
        // In the order that was asked for.
        for name in ids {
            do {
                let record = try await session.specification(of: try await session.container(name))
                try session.console.line(session.console.format == .json ? record.json : record.prettyJSON)
            } catch let failure as Failure where [.notFound, .invalidArgument].contains(failure.code) {
                session.console.report(failure)
                failed = true
            }
        }
        if failed { throw ExitCodes.failed }
    }
}
