import ArgumentParser
import MessagePack

/// `windlass drain`: the worker takes no new containers any more.
struct DrainCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Let the worker take no new containers.",
        discussion:
            "Everything else goes on. With --stop the worker ends when its last container has, or at the deadline.")

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("When the worker ends at the latest, with --stop.", valueName: "time"))
    var deadline: TimeSpan?

    @Flag(help: "End the worker when its last container has exited.")
    var stop = false

    func perform(_ session: Session) async throws {
        var parameters: Value.Map = ["stop": .bool(stop)]
        if let deadline { parameters["deadline_ms"] = .unsigned(deadline.milliseconds) }
        let result = try await session.call(.drain, .map(parameters))
        switch session.console.format {
        case .json: try session.console.json(result)
        case .table: try session.console.line("the worker drains\(stop ? " and ends when it is empty" : "")")
        }
    }
}
