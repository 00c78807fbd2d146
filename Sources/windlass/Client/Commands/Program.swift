import ArgumentParser

/// The program and its arguments, as they stand at the end of a command line.
struct Program {
    /// What is left after the options is the program's; a leading `--` only marks its begin.
    /// - Throws: if an option stands in the program's place, by mistake or as `--help`.
    static func words(_ captured: [String], of command: any ParsableCommand.Type) throws -> [String] {
        guard let first = captured.first else { return [] }
        if first == "--" { return Array(captured.dropFirst()) }
        if first == "--help" || first == "-h" { throw CleanExit.helpRequest(command) }
        guard !first.hasPrefix("-") else {
            if !first.hasPrefix("--"), first.count > 2, first.contains("=") {
                throw ValidationError("Unknown option '\(first)'; write \(first.prefix(2)) \(first.dropFirst(2))")
            }
            let near = Suggestion.nearest(to: first, in: options(of: command)).map { "did you mean \($0)? " } ?? ""
            throw ValidationError("Unknown option '\(first)'; \(near)where it is the program, write -- before it")
        }
        return captured
    }

    /// The options that a command has.
    private static func options(of command: any ParsableCommand.Type) -> [String] {
        let help = Windlass.helpMessage(for: command)
        return help.split { !$0.isLetter && $0 != "-" }.map(String.init).filter { $0.hasPrefix("--") && $0.count > 3 }
    }

    /// A remark for a user who has given an image where the program stands; nil where the failure is another.
    static func remark(on error: any Error, _ command: [String]) -> String? {
        guard let program = command.first, ExitCodes.ofContainer.code(for: error) == ExitCodes.notFound,
            !program.hasPrefix("/"), !program.hasPrefix(".")
        else { return nil }
        return
            "\(program) was taken for the program: there are no images; --rootfs DIR or --profile NAME choose the files"
    }
}
