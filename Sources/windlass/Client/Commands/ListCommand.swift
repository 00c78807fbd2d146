import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass ps`: the containers of the host.
struct ListCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List containers, the youngest first.", usage: "windlass ps [<options>]",
        discussion: """
            Filters: name=PART (^ and $ fix its ends), id=BEGINNING, status=STATE, exited=CODE, label=KEY, \
            label=KEY=VALUE. Of several of one kind any must match, of labels all.
            """,
        aliases: ["list", "ls"])

    @Flag(name: .shortAndLong, help: "Stopped ones too.")
    var all = false

    @Flag(name: .shortAndLong, help: "Print names only.")
    var quiet = false

    @Option(name: .shortAndLong, help: ArgumentHelp("Only those that match.", valueName: "filter"))
    var filter: [KeyValue] = []

    @Option(
        name: [.customShort("n", allowingJoined: true), .customLong("last")],
        help: ArgumentHelp("The youngest ones only, so many; stopped ones too.", valueName: "number"))
    var last: Int?

    @Flag(name: .shortAndLong, help: "The youngest one only, stopped or not.")
    var latest = false

    @Option(help: "In which order.")
    var sort = ContainerSort.created

    @Flag(help: "Cut nothing off to fit the terminal.")
    var noTrunc = false

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    func validate() throws {
        _ = try ContainerFilter(filter)
        if let last, last < 1 { throw ValidationError("-n must be 1 or more") }
    }

    func perform(_ session: Session) async throws {
        var rows = try await rows(session)
        if let count = latest ? 1 : last { rows = Array(ContainerSort.created.sorted(rows).prefix(count)) }
        let isTable = !quiet && session.console.format == .table
        if isTable || sort == .command { rows = try await ListCommand.withCommands(rows, session) }
        rows = sort.sorted(rows)
        if quiet {
            for row in rows { try session.console.line(row.id) }
        } else if session.console.format == .json {
            for row in rows { try session.console.json(row.record) }
        } else {
            try session.console.table(ListCommand.table(rows, at: .now), isTruncated: !noTrunc)
        }
    }

    private func rows(_ session: Session) async throws -> [ContainerRow] {
        let filter = try ContainerFilter(filter)
        return try await session.records(filter.query(all: all || latest || last != nil)).filter(filter.matches)
            .map { ContainerRow(record: $0) }
    }

    /// Asks for the commands, some at a time. One that cannot be had is left empty: the container may be gone by now.
    private static func withCommands(_ rows: [ContainerRow], _ session: Session) async throws -> [ContainerRow] {
        try await withThrowingTaskGroup(of: (Int, String).self) { group in
            var result = rows
            var next = 0
            func ask() {
                guard next < rows.count, let id = ContainerID(rows[next].id) else { return }
                let index = next
                next += 1
                group.addTask {
                    let state = try? await session.specification(of: id)
                    return (index, ContainerRow.command(state?["spec"]?["process"]))
                }
            }
            for _ in 0..<32 { ask() }
            while let (index, command) = try await group.next() {
                result[index].command = command
                ask()
            }
            return result
        }
    }

    static func table(_ rows: [ContainerRow], at now: Timestamp) -> Table {
        var table = Table(
            .flexible("CONTAINER"), .flexible("COMMAND").rank(3), .flexible("STATE"), .number("PID").rank(5),
            .flexible("CREATED").rank(2), .flexible("UP").rank(4), .flexible("EXIT").rank(1),
            .flexible("LABELS").rank(6))
        for row in rows {
            let record = row.record
            let exit = Exit(record["exit"])
            let created = record["created_at"]?.timestamp.map { now.duration(since: $0).brief + " ago" }
            let up = record["started_at"]?.timestamp.map { (exit?.at ?? now).duration(since: $0).brief }
            let labels = (record["labels"]?.map ?? [:]).map { "\($0.key)=\($0.value.string ?? "")" }
            table.add(
                Table.Cell(row.id), Table.Cell(row.command), state(record),
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
