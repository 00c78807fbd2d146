import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass ps`: the containers of the host.
struct ListCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List containers.", aliases: ["list"])

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .shortAndLong, help: "Stopped ones too.")
    var all = false

    @Flag(name: .shortAndLong, help: "Print names only.")
    var quiet = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Only those with a label=KEY=VALUE or in a state=STATE.", valueName: "filter"))
    var filter: [KeyValue] = []

    @Flag(help: "Cut nothing off to fit the terminal.")
    var noTrunc = false

    func validate() throws { _ = try query() }

    func perform(_ session: Session) async throws {
        var records: [Value] = []
        var query = try query()
        while true {
            let page = try await session.call(.list, .map(query))
            records += page["containers"]?.array ?? []
            guard let next = page["next"] else { break }
            query["after"] = next
        }
        if quiet {
            for record in records { try session.console.line(record["id"]?.string ?? "") }
        } else if session.console.format == .json {
            for record in records { try session.console.json(record) }
        } else {
            try session.console.table(ListCommand.table(records, at: .now), isTruncated: !noTrunc)
        }
    }

    /// The parameters of `list`.
    func query() throws -> Value.Map {
        var labels: [KeyValue] = []
        var states: [ContainerRecord.State] = []
        for filter in filter {
            switch filter.key {
            case "label":
                guard let label = KeyValue(argument: filter.value) else {
                    throw ValidationError("--filter label=\(filter.value): write label=KEY=VALUE")
                }
                labels.append(label)
            case "state":
                guard let state = ContainerRecord.State(rawValue: filter.value) else {
                    let known = ContainerRecord.State.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--filter state=\(filter.value): there are \(known)")
                }
                states.append(state)
            default: throw ValidationError("--filter \(filter.key): there are label=KEY=VALUE and state=STATE")
            }
        }
        if states.isEmpty && !all { states = ContainerRecord.State.allCases.filter { $0 != .stopped } }
        var query: Value.Map = [:]
        if !labels.isEmpty { query["labels"] = labels.wireValue }
        if !states.isEmpty { query["states"] = .array(states.map { .string($0.rawValue) }) }
        return query
    }

    static func table(_ records: [Value], at now: Timestamp) -> Table {
        var table = Table("CONTAINER", "STATE", .number("PID"), "CREATED", "UP", "EXIT", "LABELS")
        for record in records {
            let exit = Exit(record["exit"])
            let created = record["created_at"]?.timestamp.map { now.duration(since: $0).brief + " ago" }
            let up = record["started_at"]?.timestamp.map { (exit?.at ?? now).duration(since: $0).brief }
            let labels = (record["labels"]?.map ?? [:]).map { "\($0.key)=\($0.value.string ?? "")" }
            table.add(
                Table.Cell(record["id"]?.string ?? ""), state(record),
                Table.Cell(record["pid"]?.unsigned.map { String($0) } ?? ""), Table.Cell(created ?? ""),
                Table.Cell(up ?? ""), Table.Cell(exit?.brief ?? "", exit?.style),
                Table.Cell(labels.joined(separator: ",")))
        }
        return table
    }

    private static func state(_ record: Value) -> Table.Cell {
        let state = record["state"]?.string ?? ""
        if let stuck = record["stuck"]?.string { return Table.Cell("\(state), stuck in \(stuck)", .red) }
        return Table.Cell(state, ContainerRecord.State(rawValue: state).flatMap(\.style))
    }
}

extension ContainerRecord.State {
    /// How it looks on a terminal.
    var style: Table.Style? {
        switch self {
        case .running: .green
        case .creating, .paused, .stopping: .yellow
        case .stopped: .dim
        case .unknown: .red
        case .created: nil
        }
    }
}
