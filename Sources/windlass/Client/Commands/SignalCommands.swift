import ArgumentParser
import ContainerProtocol
import MessagePack

/// `windlass kill`: sends a signal to containers, by default the one that ends them.
struct KillCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Kill containers, or send them another signal.")

    @OptionGroup var connection: ConnectionOptions

    @Option(name: .shortAndLong, help: "The signal's name or number.")
    var signal = "KILL"

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        let signal = SignalArgument.value(signal)
        try await session.forEach(ids) { id in
            try await session.call(.signal, id, ["signal": signal])
            try session.console.done(id)
        }
    }
}

/// `windlass signal`: sends a signal to one process of a container.
struct SignalCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Send a signal to a process of a container.")

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The process within the container.")
    var process = ProcessName.initial

    @Argument(help: ArgumentHelp("The container.", valueName: "container"))
    var id: ContainerID

    @Argument(help: "The signal's name or number.")
    var signal: String

    func perform(_ session: Session) async throws {
        try await session.call(
            .signalProcess, id, ["process": .string(process.rawValue), "signal": SignalArgument.value(signal)])
        try session.console.done(id)
    }
}

/// A signal as a person writes it.
struct SignalArgument {
    /// A number where it is one, a name else.
    static func value(_ text: String) -> Value { UInt64(text).map { .unsigned($0) } ?? .string(text) }
}
