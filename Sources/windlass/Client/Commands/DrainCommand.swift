import ArgumentParser
import ContainerProtocol
import MessagePack

/// `windlass drain`: the worker takes no new containers any more.
struct DrainCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Let the worker take no new containers.",
        usage: "windlass drain [<options>]",
        discussion: """
            Everything else goes on. With --stop the worker ends when its last container has, or at the deadline. \
            --undo takes it back.
            """)

    @Option(help: ArgumentHelp("When the worker ends at the latest, with --stop.", valueName: "time"))
    var deadline: TimeSpan?

    @Flag(help: "End the worker when its last container has exited.")
    var stop = false

    @Flag(help: "Let the worker take new containers again.")
    var undo = false

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    func validate() throws {
        if undo, stop || deadline != nil { throw ValidationError("--undo takes neither --stop nor --deadline") }
        if deadline != nil, !stop { throw ValidationError("--deadline is for --stop") }
    }

    func perform(_ session: Session) async throws {
        var parameters: Value.Map = undo ? ["undo": true] : ["stop": .bool(stop)]
        if let deadline { parameters["deadline_ms"] = .unsigned(deadline.milliseconds) }
        let result = try await session.call(.drain, .map(parameters))
        switch session.console.format {
        case .json: try session.console.json(result)
        case .table:
            let ending = stop ? " and ends when it is empty" : ""
            try session.console.line(undo ? "the worker takes new containers again" : "the worker drains\(ending)")
        }
    }
}
