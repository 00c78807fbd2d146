import ContainerModel
import ArgumentParser
import ContainerProtocol
import MessagePack

/// `windlass prune`: removes all stopped containers.
struct PruneCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove all stopped containers.", usage: "windlass prune [<options>]",
        discussion: """
            Asks first at a terminal. Filters: until=TIME (only those that stopped before that time, or that long ago, \
            such as until=24h), name=PART, exited=CODE, label=KEY, label=KEY=VALUE.
            """)

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var force = false

    @Option(name: .long, help: ArgumentHelp("Only those that match.", valueName: "filter"))
    var filter: [KeyValue] = []

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    func validate() throws {
        _ = try PruneCommand.until(filter)
        _ = try PruneCommand.containers(filter)
    }

    func perform(_ session: Session) async throws {
        let filter = try PruneCommand.containers(self.filter)
        let limit = try PruneCommand.until(self.filter)?.timestamp(now: .now)
        var query = filter.query(all: true)
        query["states"] = ["stopped"]
        let ids = try await session.records(query).filter(filter.matches)
            .filter { record in limit.map { (Exit(record["exit"])?.at ?? .epoch) < $0 } ?? true }
            .compactMap { $0["id"]?.string.flatMap { ContainerID($0) } }
        if !force, !ids.isEmpty, Terminal.isTerminal(.input), Terminal.isTerminal(.error) {
            try Terminal.write(
                "Remove \(ids.count) stopped \(ids.count == 1 ? "container" : "containers")? [y/N] ", to: .error)
            guard ["y", "yes"].contains(readLine()?.lowercased() ?? "") else { throw ExitCodes.failed }
        }
        // One that is gone, or runs again under its name, is no stopped container any more.
        try await session.forEach(ids, .wholeName, mayBeGone: true) { id in
            try await session.call(.delete, id)
            try session.console.done(id)
        }
    }

    private static func containers(_ filters: [KeyValue]) throws -> ContainerFilter {
        try ContainerFilter(filters.filter { $0.key != "until" })
    }

    static func until(_ filters: [KeyValue]) throws -> TimePoint? {
        guard let filter = filters.last(where: { $0.key == "until" }) else { return nil }
        guard let point = TimePoint(argument: filter.value) else {
            throw ValidationError("--filter until=\(filter.value): write a time, or how long ago, such as 24h")
        }
        return point
    }
}
