import ArgumentParser

extension Windlass {
    /// The verbs that speak to a worker, as `--help` groups them.
    static let clientCommands = [
        CommandGroup(
            name: "Container",
            subcommands: [
                RunCommand.self, CreateCommand.self, StartCommand.self, ExecCommand.self, AttachCommand.self,
                LogsCommand.self, StopCommand.self, KillCommand.self, SignalCommand.self, PauseCommand.self,
                ResumeCommand.self, ResizeCommand.self, UpdateCommand.self, WaitCommand.self, RemoveCommand.self,
            ]),
        CommandGroup(
            name: "Inspection",
            subcommands: [
                ListCommand.self, InspectCommand.self, StatsCommand.self, TopCommand.self, EventsCommand.self,
            ]),
        CommandGroup(
            name: "Host",
            subcommands: [
                VersionCommand.self, HealthCommand.self, PingCommand.self, DrainCommand.self,
            ]),
        CommandGroup(name: "Access", subcommands: [KeysCommand.self, ContextCommand.self]),
    ]

    /// Runs the command line.
    static func main() async {
        ParentLegacy.putRight()
        do {
            var command = try await asyncParseAsRoot(Arguments(CommandLine.arguments.dropFirst()).inOrder)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            // The verbs whose codes are the container's must not be mistaken for one that exited with 64.
            let verb = Arguments(CommandLine.arguments.dropFirst()).inOrder.first ?? ""
            guard ["run", "exec", "attach"].contains(verb), exitCode(for: error) == .validationFailure else {
                exit(withError: error)
            }
            try? Terminal.write(fullMessage(for: error) + "\n", to: .error)
            exit(withError: ExitCode(ExitCodes.toolFailed))
        }
    }
}
