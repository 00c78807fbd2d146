import ArgumentParser
import Worker

/// The command line: one binary for the worker and for its clients.
@main
struct Windlass: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windlass",
        abstract: "Runs containers for schedulers, and speaks to the workers that do.",
        version: WindlassVersion.current,
        subcommands: [WorkerCommand.self, ConfigCommand.self, ManualCommand.self] + linuxCommands,
        groupedSubcommands: clientCommands
    )

    /// What is built on the emulator, or beside bare processes.
    private static var linuxCommands: [any ParsableCommand.Type] {
        #if os(Windows)
            []
        #else
            [EmulatorCommand.self, BenchCommand.self]
        #endif
    }
}
