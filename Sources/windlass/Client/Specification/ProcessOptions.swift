import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// The options of `run`, `create` and `exec` for a process.
struct ProcessOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Give it standard input.")
    var interactive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give it a terminal.")
    var terminal = false

    @Option(
        name: [.customShort("e", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Set an environment variable; NAME alone takes its value from here. Takes the place of a profile's environment.",
            valueName: "name=value"))
    var env: [String] = []

    @Option(
        help: ArgumentHelp("Set the variables of this file, one a line; -e comes after it.", valueName: "file"),
        completion: .file())
    var envFile: [String] = []

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("workdir")],
        help: ArgumentHelp("Run it in this folder.", valueName: "dir"))
    var workingDirectory: String?

    @Option(
        name: [.customShort("u", allowingJoined: true), .long],
        help: ArgumentHelp("Run it as this user: a name, or UID:GID.", valueName: "user"))
    var user: String?

    /// An OCI process: `base`, overridden by these options.
    /// - Parameter command: the program and its arguments; `base`'s where it is empty.
    func process(_ command: [String], over base: Value? = nil) throws -> Value.Map {
        var process = base?.map ?? [:]
        if !command.isEmpty {
            process["args"] = .array(command.map { .string($0) })
            process["commandLine"] = nil
        }
        let variables = try envFile.flatMap { try EnvironmentFile.lines($0) } + env
        if !variables.isEmpty {
            let added = try variables.map { try ProcessOptions.variable($0) { try RawArguments.variable($0) } }
            process["env"] = .array((process["env"]?.array ?? []) + added)
        }
        if let workingDirectory { process["cwd"] = .string(workingDirectory) }
        if let user { process["user"] = UserArgument(text: user).value }
        if terminal { process["terminal"] = true }
        if process["terminal"] == true, process["consoleSize"] == nil, let size = Terminal.size {
            process["consoleSize"] = ["width": .int(size.width), "height": .int(size.height)]
        }
        return process
    }

    /// `NAME=value`, whose value is the local one where it is left out.
    static func variable(_ text: String, _ local: (String) throws -> String?) throws -> Value {
        if text.contains("=") {
            guard !text.hasPrefix("=") else { throw Failure.invalidArgument("-e \(text): a variable needs a name") }
            return .string(text)
        }
        guard let value = try local(text) else {
            throw Failure.invalidArgument("-e \(text): there is no such variable here; write \(text)=value")
        }
        return .string("\(text)=\(value)")
    }
}
