import ArgumentParser
import ContainerProtocol
import MessagePack
import Worker

/// `windlass version`: this program's version and the worker's.
struct VersionCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the version of this program and of the worker.",
        usage: "windlass version [<options>]",
        discussion: "Exits with 1 where the worker does not answer, or speaks another protocol.")

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    /// The version of the wire protocol that this program speaks.
    static let protocolVersion: UInt64 = 1

    func run() async throws {
        // The only command that has a result without a worker.
        let console = Console(format: connection.format)
        let own: Value = [
            "version": .string(WindlassVersion.current), "protocol": .unsigned(VersionCommand.protocolVersion),
        ]
        let worker: Value
        do {
            let session = try await Session.open(try connection.address(), connection, console)
            worker = try await session.call(.version)
        } catch {
            switch console.format {
            case .json: try console.json(["client": own])
            case .table:
                try console.line("client   \(WindlassVersion.current), protocol \(VersionCommand.protocolVersion)")
            }
            console.report(error)
            throw ExitCodes.failed
        }
        switch console.format {
        case .json: try console.json(["client": own, "worker": worker])
        case .table: for line in VersionCommand.lines(worker) { try console.line(line) }
        }
        if let remark = VersionCommand.remark(on: worker["protocol"]?.unsigned) {
            console.note(remark)
            throw ExitCodes.failed
        }
    }

    func perform(_ session: Session) async throws {}

    /// What is wrong between this program's protocol and the worker's; nil where they are the same.
    static func remark(on protocolVersion: UInt64?) -> String? {
        let own = VersionCommand.protocolVersion
        guard let other = protocolVersion else { return "the worker does not say which protocol it speaks" }
        guard other != own else { return nil }
        let newer = other > own ? "use a newer windlass here" : "use a newer worker, or the windlass of its time"
        return "the worker speaks protocol \(other) and this program protocol \(own): \(newer)"
    }

    static func lines(_ worker: Value) -> [String] {
        let driver = worker["driver"]
        let own = VersionCommand.protocolVersion
        let comparison = worker["protocol"]?.unsigned == own ? " (the same)" : " (not the same)"
        return [
            "client   \(WindlassVersion.current), protocol \(own)",
            "worker   \(text(worker["version"])), protocol \(text(worker["protocol"]))\(comparison)",
            "host     \(text(worker["host"])), \(text(worker["os"]))/\(text(worker["arch"])), epoch \(text(worker["epoch"]))",
            "driver   \(text(driver?["name"])) \(text(driver?["version"]))",
            "can      \(list(worker["capabilities"]))", "profiles \(list(worker["profiles"]))",
        ].map(\.printable)
    }

    private static func text(_ value: Value?) -> String { value?.string ?? value?.json ?? "unknown" }

    private static func list(_ value: Value?) -> String {
        let texts = (value?.array ?? []).compactMap(\.string)
        return texts.isEmpty ? "none" : texts.joined(separator: " ")
    }
}
