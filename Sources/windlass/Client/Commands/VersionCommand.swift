import ArgumentParser
import MessagePack
import Worker

/// `windlass version`: this program's version and the worker's.
struct VersionCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the version of this program and of the worker.")

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        // The only command that has a result without a worker.
        let console = Console(format: connection.format)
        let own: Value = ["version": .string(WindlassVersion.current), "protocol": 1]
        do {
            let session = try await Session.open(try connection.address(), connection, console)
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
