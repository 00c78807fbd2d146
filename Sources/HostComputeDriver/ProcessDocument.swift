import ContainerDriver
import ContainerModel

/// The document that creates a process, fields in the order of hcsshim v0.5.9 (HostComputeService D.4).
struct ProcessDocument: Equatable {
    var commandLine = ""
    var user = ""
    var workingDirectory = ""
    /// Sorted by name, each name once.
    var environment: [(name: String, value: String)] = []
    var terminal = false
    var stdin = false
    var stdout = true
    var stderr = true
    var consoleSize: ConsoleSize?

    /// The document of `process`.
    /// - Parameters:
    ///   - path: where the process stands in the specification, for messages.
    ///   - directory: the working directory where the process names none.
    ///   - servicing: an update-merge run has no pipes.
    init(
        _ process: OCIProcess, path: String, directory: String = "", stdin: Bool, servicing: Bool = false
    ) throws(DriverFailure) {
        if let commandLine = process.commandLine, !commandLine.isEmpty {
            self.commandLine = commandLine
        } else if let program = process.args.first, !program.isEmpty {
            commandLine = CommandLine.joining(process.args)
        } else {
            throw DriverFailure(
                .invalidArgument, "\(path).args is missing: it names the program to run and its arguments")
        }
        user = process.username
        workingDirectory = process.cwd.isEmpty ? directory : process.cwd
        terminal = process.terminal
        self.stdin = stdin && !servicing
        stdout = !servicing
        stderr = !servicing && !terminal
        consoleSize = terminal ? process.consoleSize : nil
        environment = try Self.overlay(process.env, path: path)
    }

    /// `NAME=value` entries: split at the first `=`, the last of a name wins.
    private static func overlay(
        _ entries: [String], path: String
    ) throws(DriverFailure) -> [(name: String, value: String)] {
        var values: [String: String] = [:]
        for entry in entries {
            guard let sign = entry.utf8.firstIndex(of: UInt8(ascii: "=")), sign != entry.startIndex else {
                throw DriverFailure(
                    .invalidArgument, "\(path).env: '\(entry.prefix(64))' is not of the form NAME=value; correct it")
            }
            values[String(entry[..<sign])] = String(entry[entry.utf8.index(after: sign)...])
        }
        return values.map { (name: $0.key, value: $0.value) }.sorted { $0.name < $1.name }
    }

    /// The document in UTF-8.
    var bytes: [UInt8] {
        JSONWriter.object { json in
            json.field("CommandLine", commandLine)
            json.field("User", unlessEmpty: user)
            json.field("WorkingDirectory", unlessEmpty: workingDirectory)
            if !environment.isEmpty {
                json.key("Environment")
                json.object { json in
                    for entry in environment { json.field(entry.name, entry.value) }
                }
            }
            json.field("EmulateConsole", unlessFalse: terminal)
            json.field("CreateStdInPipe", unlessFalse: stdin)
            json.field("CreateStdOutPipe", unlessFalse: stdout)
            json.field("CreateStdErrPipe", unlessFalse: stderr)
            // Sent even where there is no terminal: Go's `omitempty` never leaves an array of two out.
            // Height first; a resize names them instead.
            json.key("ConsoleSize")
            json.array([consoleSize?.height ?? 0, consoleSize?.width ?? 0]) { $0.literal($1) }
        }
    }

    static func == (left: ProcessDocument, right: ProcessDocument) -> Bool { left.bytes == right.bytes }
}
