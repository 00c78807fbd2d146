import ArgumentParser

extension Windlass {
    /// The verbs that speak to a worker, as `--help` groups them.
    static let clientCommands = [
        CommandGroup(
            name: "Container",
            subcommands: [
                RunCommand.self, CreateCommand.self, StartCommand.self, ExecCommand.self, AttachCommand.self,
                LogsCommand.self, StopCommand.self, RestartCommand.self, KillCommand.self, SignalCommand.self,
                PauseCommand.self,
                ResumeCommand.self, ResizeCommand.self, UpdateCommand.self, WaitCommand.self, CopyCommand.self,
                RemoveCommand.self,
                PruneCommand.self,
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
        let arguments: Arguments
        do {
            arguments = Arguments(try RawArguments.read())
        } catch {
            Console(format: .table).report(error)
            let verb = Arguments(CommandLine.arguments.dropFirst()).verb
            exit(withError: ExitCode(usageCode(of: verb)))
        }
        do {
            var command = try await asyncParseAsRoot(arguments.inOrder)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            end(error, arguments)
        }
    }

    /// Ends the program with what the parser or a command has to say.
    private static func end(_ error: any Error, _ arguments: Arguments) -> Never {
        let code = exitCode(for: error)
        guard !code.isSuccess else { exit(withError: error) }
        let isMistake = code == .validationFailure
        let advice = isMistake ? Habits.advice(for: arguments, verbs: CommandNames.all) : nil
        // An argument that is repeated in a message must not send control sequences to the user's terminal.
        let text = (advice.map { "windlass: \($0)" } ?? fullMessage(for: error)).printableLines
        // If standard error is closed, the message is dropped.
        if !text.isEmpty { try? Terminal.write(text + "\n", to: .error) }
        exit(withError: isMistake ? ExitCode(usageCode(of: arguments.verb)) : code)
    }

    /// The code of a mistake in the command line. The verbs whose codes are the container's must not be mistaken for one
    /// that exited with 64.
    private static func usageCode(of verb: String) -> Int32 {
        ["run", "exec", "attach"].contains(verb) ? ExitCodes.toolFailed : ExitCode.validationFailure.rawValue
    }
}
