import ArgumentParser
import ContainerProtocol
import MessagePack

/// `windlass health`: whether the worker can take containers now.
struct HealthCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Report whether the worker can take containers now.",
        usage: "windlass health [<options>]",
        discussion: "Exits with 0 where it can, with 1 where it cannot or does not answer.")

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

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
