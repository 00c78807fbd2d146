import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

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

    @OptionGroup var container: ContainerOptions
    @OptionGroup var process: ProcessOptions

    @Flag(name: .shortAndLong, help: "Print its name and leave it running.")
    var detach = false

    @Flag(name: .customLong("rm"), help: "Remove it when it has exited.")
    var remove = false

    @Option(help: .detachKeys)
    var detachKeys = DetachKeys()

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.")
    var program: [String] = []

    func validate() throws {
        _ = try Program.words(program, of: Self.self)
    }

    func perform(_ session: Session) async throws {
        let command = try Program.words(program, of: Self.self)
        let created: ContainerOptions.Created
        do {
            created = try await container.send(
                session, process, command,
                [
                    "stdin": .bool(process.interactive), "auto_remove": .bool(remove), "lossless": .bool(!detach),
                ])
        } catch {
            if let remark = Program.remark(on: error, command) { session.console.note(remark) }
            throw error
        }
        guard !detach else { return try session.console.done(created.id, created.result) }
        let attached = AttachedProcess(
            session: session, id: created.id, isInteractive: process.interactive, hasTerminal: created.hasTerminal,
            isLossless: true, keys: detachKeys)
        switch try await attached.follow() {
        case .exited(let exit, let lostOutput):
            if remove { try await waitForRemoval(created.id, session) }
            try ExitCodes.end(with: exit, of: created.id.rawValue, lostOutput: lostOutput, session.console)
        case .detached(let byKeys):
            session.console.note("\(created.id) goes on\(remove ? " and is removed when it ends" : "")")
            if !byKeys { throw ExitCodes.interrupted }
        }
    }

    /// The worker removes it by itself. A further delete comes behind that, and finds nothing.
    private func waitForRemoval(_ id: ContainerID, _ session: Session) async throws {
        do {
            try await session.call(.delete, id, ["force": true])
        } catch let failure as Failure where failure.code == .notFound {}
    }
}
