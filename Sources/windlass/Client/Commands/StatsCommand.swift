import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass stats`: what containers use.
struct StatsCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what containers use.",
        usage: "windlass stats [<options>] [<container> ...]",
        discussion: """
            On a terminal the table lives until Ctrl-C; on a pipe it is printed once. With --format json: one container a \
            line, again and again unless --no-stream is given.
            """)

    @Flag(help: "Print once.")
    var noStream = false

    @Option(help: ArgumentHelp("How often to look.", valueName: "time"))
    var interval = TimeSpan(.seconds(1))

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(
        help: ArgumentHelp("The containers; all that run where none is given.", valueName: "container"),
        completion: .containers)
    var ids: [ContainerID] = []

    func validate() throws {
        guard interval.duration >= .milliseconds(100) else { throw ValidationError("--interval must be 100ms or more") }
    }

    func perform(_ session: Session) async throws {
        let rates = ProcessorRates()
        if session.console.format == .json {
            repeat {
                for (id, sample) in try await sample(session) {
                    var line: Value.Map = ["id": .string(id)]
                    line["cpu_percent"] =
                        (await rates.percent(id, sample)).map { .double(($0 * 100).rounded() / 100) } ?? .null
                    line.merge(sample.map ?? [:]) { own, _ in own }
                    try session.console.json(.map(line))
                }
                if !noStream { try await Task.sleep(for: interval.duration) }
            } while !noStream
        } else if session.console.isTerminal && !noStream {
            try await LiveDisplay.run(every: interval.duration, session.console) { try await table(session, rates) }
        } else {
            // A rate needs two looks.
            _ = try await table(session, rates)
            try await Task.sleep(for: .milliseconds(500))
            try session.console.table(try await table(session, rates))
        }
    }

    private func sample(_ session: Session) async throws -> [(String, Value)] {
        let parameters: Value = ids.isEmpty ? [:] : ["ids": .array(ids.map { .string($0.rawValue) })]
        let answer = try await session.call(.stats, parameters)
        return (answer.map ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func table(_ session: Session, _ rates: ProcessorRates) async throws -> Table {
        var table = Table(
            "CONTAINER", .number("CPU"), .number("MEMORY"), .number("COMMIT"), .number("PEAK"), .number("READ"),
            .number("WRITTEN"), .number("RECEIVED"), .number("SENT"), .number("UP"))
        for (id, sample) in try await sample(session) {
            let percent = await rates.percent(id, sample)
            let memory = sample["memory"]
            let network = sample["network"]?.array ?? []
            table.add(
                Table.Cell(id), StatsCommand.percent(percent), StatsCommand.bytes(memory?["private_working_set_bytes"]),
                StatsCommand.bytes(memory?["commit_bytes"]), StatsCommand.bytes(memory?["commit_peak_bytes"]),
                StatsCommand.bytes(sample["storage"]?["read_bytes"]),
                StatsCommand.bytes(sample["storage"]?["write_bytes"]),
                StatsCommand.sum(network, "received_bytes"), StatsCommand.sum(network, "sent_bytes"),
                Table.Cell(Duration.nanoseconds(Int64(clamping: sample["uptime_ns"]?.unsigned ?? 0)).brief))
        }
        return table
    }

    static func percent(_ value: Double?) -> Table.Cell {
        guard let value else { return "-" }
        let tenths = Int((value * 10).rounded())
        return Table.Cell("\(tenths / 10).\(tenths % 10)%", value >= 90 ? .yellow : nil)
    }

    static func bytes(_ value: Value?) -> Table.Cell {
        guard let bytes = value?.unsigned else { return "-" }
        return Table.Cell(ByteCount(bytes).brief)
    }

    private static func sum(_ endpoints: [Value], _ key: String) -> Table.Cell {
        endpoints.isEmpty ? "-" : bytes(.unsigned(endpoints.reduce(0) { $0 &+ ($1[key]?.unsigned ?? 0) }))
    }
}
