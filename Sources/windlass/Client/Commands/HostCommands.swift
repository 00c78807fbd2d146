import ArgumentParser
import ContainerProtocol
import MessagePack
import Worker

/// `windlass version`: this program's version and the worker's.
struct VersionCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the version of this program and of the worker.")

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        // Of all verbs this one has something to say without a worker.
        let console = Console(format: connection.format)
        let own: Value = ["version": .string(WindlassVersion.current), "protocol": 1]
        do {
            let session = try await Session.open(connection, console)
            let worker = try await session.call(.version)
            switch console.format {
            case .json: try console.json(["client": own, "worker": worker])
            case .table: for line in VersionCommand.lines(worker) { try console.line(line) }
            }
        } catch {
            switch console.format {
            case .json: try console.json(["client": own])
            case .table: try console.line("client   \(WindlassVersion.current), protocol 1")
            }
            console.report(error)
            throw ExitCodes.failed
        }
    }

    func perform(_ session: Session) async throws {}

    private static func lines(_ worker: Value) -> [String] {
        let driver = worker["driver"]
        let capabilities = (worker["capabilities"]?.array ?? []).compactMap(\.string)
        return [
            "client   \(WindlassVersion.current), protocol 1",
            "worker   \(text(worker["version"])), protocol \(text(worker["protocol"]))",
            "host     \(text(worker["host"])), \(text(worker["os"]))/\(text(worker["arch"])), epoch \(text(worker["epoch"]))",
            "driver   \(text(driver?["name"])) \(text(driver?["version"]))",
            "can      \(capabilities.joined(separator: " "))",
        ].map(\.printable)
    }

    private static func text(_ value: Value?) -> String { value?.string ?? value?.json ?? "unknown" }
}

/// `windlass health`: whether the worker can take containers now.
struct HealthCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Tell whether the worker can take containers now.",
        discussion: "Exits with 0 where it can, with 1 where it cannot or does not answer.")

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) async throws {
        let health = try await session.call(.health)
        switch session.console.format {
        case .json: try session.console.json(health)
        case .table:
            var table = Table("CHECK", "STATE", "MESSAGE")
            for check in health["checks"]?.array ?? [] {
                let ok = check["ok"]?.bool ?? false
                table.add(
                    Table.Cell(check["name"]?.string ?? ""), Table.Cell(ok ? "ok" : "failing", ok ? .green : .red),
                    Table.Cell(check["message"]?.string ?? ""))
            }
            try session.console.table(table, isTruncated: false)
        }
        guard health["live"]?.bool == true, health["ready"]?.bool == true else { throw ExitCodes.failed }
    }
}

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

/// `windlass ping`: whether the worker answers, and how fast.
struct PingCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "See whether the worker answers, and how fast.")

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) async throws {
        let start = ContinuousClock.now
        let answer = try await session.call(.ping)
        let microseconds = Int((ContinuousClock.now - start) / .microseconds(1))
        switch session.console.format {
        case .json:
            try session.console.json(
                [
                    "endpoint": .string(connection.endpoint), "round_trip_us": .int(microseconds),
                    "time": answer["time"] ?? .null,
                ])
        case .table: try session.console.line("\(connection.endpoint) answered in \(microseconds) µs")
        }
    }
}
