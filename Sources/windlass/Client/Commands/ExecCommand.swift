import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass exec`: one more process in a container, attached until it exits.
struct ExecCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run one more program in a container.",
        usage: "windlass exec [<options>] <container> [--] <program> [<argument> ...]",
        discussion: """
            Attached, the exit code is the program's (on POSIX its low 8 bits). 125: the tool or the worker failed; 126: the \
            program cannot be invoked; 127: there is no such program.
            """)
    static var exitCodes: ExitCodes { .ofContainer }

    @OptionGroup var options: ProcessOptions

    @Flag(name: .shortAndLong, help: "Print the process's name and leave it running.")
    var detach = false

    @Option(name: .customLong("name"), help: "The process's name; a random one where none is given.")
    var process: ProcessName?

    @Option(help: .detachKeys)
    var detachKeys = DetachKeys()

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The container.", valueName: "container"), completion: .containers)
    var id: ContainerID

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.")
    var program: [String]

    func validate() throws {
        guard try !Program.words(program, of: Self.self).isEmpty else {
            throw ValidationError("Give the program and its arguments")
        }
    }

    func perform(_ session: Session) async throws {
        let id = try await session.container(id)
        let name = try process ?? ProcessName(RandomName.process()).orFail("a random name")
        let specification = try options.process(try Program.words(program, of: Self.self))
        let result = try await session.call(
            .exec, id,
            [
                "process": .string(name.rawValue), "spec": .map(specification), "stdin": .bool(options.interactive),
                "lossless": .bool(!detach),
            ])
        session.console.reportWarnings(of: result)
        guard !detach else {
            switch session.console.format {
            case .table: return try session.console.line(name.rawValue)
            case .json: return try session.console.json(result)
            }
        }
        let attached = AttachedProcess(
            session: session, id: id, process: name, isInteractive: options.interactive, hasTerminal: options.terminal,
            isLossless: true, keys: detachKeys)
        switch try await attached.follow() {
        case .exited(let exit, let lostOutput):
            try ExitCodes.end(with: exit, of: attached.name, lostOutput: lostOutput, session.console)
        case .detached(let byKeys):
            session.console.note("\(attached.name) goes on")
            if !byKeys { throw ExitCodes.interrupted }
        }
    }
}
