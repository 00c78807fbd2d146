import ArgumentParser
import ContainerProtocol
import Foundation
import MessagePack

/// The options of `run`, `create` and `exec` for a process.
struct ProcessOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Give it standard input.")
    var interactive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give it a terminal.")
    var terminal = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Set an environment variable; NAME alone takes its value from here. Takes the place of a profile's environment.",
            valueName: "name=value"))
    var env: [String] = []

    @Option(
        name: [.customShort("w"), .customLong("workdir")],
        help: ArgumentHelp("Run it in this folder.", valueName: "dir"))
    var workingDirectory: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("Run it as this user.", valueName: "name"))
    var user: String?

    /// An OCI process: `base`, overridden by these options.
    /// - Parameter command: the program and its arguments; `base`'s where it is empty.
    func process(_ command: [String], over base: Value? = nil) throws -> Value.Map {
        var process = base?.map ?? [:]
        if !command.isEmpty {
            process["args"] = .array(command.map { .string($0) })
            process["commandLine"] = nil
        }
        if !env.isEmpty {
            let added = try env.map { try ProcessOptions.variable($0, ProcessInfo.processInfo.environment) }
            process["env"] = .array((process["env"]?.array ?? []) + added)
        }
        if let workingDirectory { process["cwd"] = .string(workingDirectory) }
        if let user { process["user"] = ["username": .string(user)] }
        if terminal { process["terminal"] = true }
        if process["terminal"] == true, process["consoleSize"] == nil, let size = Terminal.size {
            process["consoleSize"] = ["width": .int(size.width), "height": .int(size.height)]
        }
        return process
    }

    /// `NAME=value`, whose value is the local one where it is left out.
    static func variable(_ text: String, _ environment: [String: String]) throws -> Value {
        if text.contains("=") {
            guard !text.hasPrefix("=") else { throw Failure.invalidArgument("-e \(text): a variable needs a name") }
            return .string(text)
        }
        guard let value = environment[text] else {
            throw Failure.invalidArgument("-e \(text): there is no such variable here; write \(text)=value")
        }
        return .string("\(text)=\(value)")
    }
}
