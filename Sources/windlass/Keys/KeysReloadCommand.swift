import ArgumentParser
import ContainerProtocol
import MessagePack

/// `windlass keys reload`: has a worker read the files of keys again now.
struct KeysReloadCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the worker read the keys again now: those of its clients, and its own.",
        usage: "windlass keys reload [<options>]",
        discussion: "It looks at them every 2 s by itself. When its own key has changed, remote clients connect again.")

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) async throws {
        let result = try await session.call(.keysReload)
        if session.console.format == .json { return try session.console.json(result) }
        for change in ["added", "removed", "changed"] {
            let names = (result[change]?.array ?? []).compactMap(\.string)
            if !names.isEmpty { try session.console.line("\(change): \(names.joined(separator: " "))") }
        }
        for (file, reason) in result["broken"]?.map ?? [:] {
            session.console.note("\(file) cannot be used: \(reason.string ?? "")")
        }
        try session.console.line("connections ended: \(result["cut"]?.unsigned ?? 0)")
    }
}
