import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass top`: the processes of a container.
struct TopCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show the processes of a container.",
        usage: "windlass top [<options>] <container>",
        discussion: "On a terminal the table lives until Ctrl-C; on a pipe it is printed once.")

    @Flag(help: "Print once.")
    var noStream = false

    @Option(help: ArgumentHelp("How often to look.", valueName: "time"))
    var interval = TimeSpan(.seconds(1))

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The container.", valueName: "container"), completion: .containers)
    var id: ContainerID

    func validate() throws {
        guard interval.duration >= .milliseconds(100) else { throw ValidationError("--interval must be 100ms or more") }
    }

    func perform(_ session: Session) async throws {
        let rates = ProcessorRates()
        if session.console.format == .json {
            for process in try await processes(session) { try session.console.json(process) }
        } else if session.console.isTerminal && !noStream {
            try await LiveDisplay.run(every: interval.duration, session.console) { try await table(session, rates) }
        } else {
            _ = try await table(session, rates)
            try await Task.sleep(for: .milliseconds(500))
            try session.console.table(try await table(session, rates))
        }
    }

    private func processes(_ session: Session) async throws -> [Value] {
        try await session.call(.summary, id)["processes"]?.array ?? []
    }

    private func table(_ session: Session, _ rates: ProcessorRates) async throws -> Table {
        let processes = try await processes(session)
        let now = Timestamp.now
        var table = Table(
            .number("PID"), .number("CPU"), .number("TIME"), .number("COMMIT"), .number("PRIVATE"), .number("SHARED"),
            .number("AGE"), "IMAGE")
        for process in processes {
            let pid = process["pid"]?.unsigned ?? 0
            let used = (process["user_ns"]?.unsigned ?? 0) &+ (process["kernel_ns"]?.unsigned ?? 0)
            let created = process["created_at"]?.timestamp
            // A process id is used again; with its birth it is one process.
            let percent = await rates.percent("\(pid) \(created?.rfc3339() ?? "")", used, at: now)
            table.add(
                Table.Cell(String(pid)), StatsCommand.percent(percent),
                Table.Cell(Duration.nanoseconds(Int64(clamping: used)).brief),
                StatsCommand.bytes(process["commit_bytes"]),
                StatsCommand.bytes(process["private_working_set_bytes"]),
                StatsCommand.bytes(process["shared_working_set_bytes"]),
                Table.Cell(created.map { now.duration(since: $0).brief } ?? "-"),
                Table.Cell(process["image"]?.string ?? ""))
        }
        return table
    }
}
