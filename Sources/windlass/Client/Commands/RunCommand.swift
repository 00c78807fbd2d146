import ArgumentParser

/// `windlass run`: a new container, attached until it exits.
struct RunCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a program in a new container.",
        usage: "windlass run [<options>] [--] [<program> [<argument> ...]]",
        discussion: """
            Attached, the exit code is the container's (on POSIX its low 8 bits; 255 where those are 0 and the code is \
            not). 125: the tool or the worker failed; 126: the program cannot be invoked; 127: there is no such program.

            Ctrl-C interrupts the container, a second one kills it, and a third leaves without its exit code. In a \
            terminal given with -it, keys go to the program, and Ctrl-P Ctrl-Q leaves it running.
            """)
    static var exitCodes: ExitCodes { .ofContainer }

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var container: ContainerOptions
    @OptionGroup var process: ProcessOptions

    @Flag(name: .shortAndLong, help: "Print its name and leave it running.")
    var detach = false

    @Flag(name: .customLong("rm"), help: "Remove it when it has exited.")
    var remove = false

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.")
    var program: [String] = []

    func validate() throws {
        _ = try Program.words(program, of: Self.self)
        if detach && remove { throw ValidationError("--rm needs an attached run; -d detaches before the removal") }
    }

    func perform(_ session: Session) async throws {
        let created = try await container.create(
            session, process, try Program.words(program, of: Self.self), start: true)
        guard !detach else { return try session.console.done(created.id, created.result) }
        let attached = AttachedProcess(
            session: session, id: created.id, isInteractive: process.interactive, hasTerminal: created.hasTerminal)
        switch try await attached.follow() {
        case .exited(let exit):
            if remove { try await session.call(.delete, created.id, ["force": true]) }
            try ExitCodes.end(with: exit, of: created.id.rawValue, session.console)
        case .detached(let byKeys):
            session.console.note("\(created.id) goes on\(remove ? " and is not removed" : "")")
            if !byKeys { throw ExitCodes.interrupted }
        }
    }
}
