import ArgumentParser

/// The verbs of the command line.
enum CommandNames {
    /// Every verb, with its other names.
    static let all: [String] = {
        Windlass.configuration.subcommands.flatMap { names(of: $0) } + ["help"]
    }()

    /// A verb and its other names.
    static func names(of command: any ParsableCommand.Type) -> [String] {
        [command.configuration.commandName ?? command._commandName] + command.configuration.aliases
    }
}
