import ArgumentParser
import ContainerModel
import WorkerClient

/// `windlass attach`: joins a process that runs already.
struct AttachCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Join a process that runs: see its output, give it input.",
        discussion: """
            Ctrl-C leaves; the process goes on. The exit code is the process's where it exits first, and 125 to 127 as \
            for `run`. With -it keys go to the process, and Ctrl-P Ctrl-Q leaves.
            """)
    static var exitCodes: ExitCodes { .ofContainer }

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .shortAndLong, help: "Give it standard input.")
    var interactive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "It has a terminal: hand on keys and size.")
    var terminal = false

    @Option(help: "The process within the container.")
    var process = ProcessName.initial

    @Flag(help: "Begin with what it wrote before.")
    var fromStart = false

    @Argument(help: ArgumentHelp("The container.", valueName: "container"))
    var id: ContainerID

    func perform(_ session: Session) async throws {
        let attached = AttachedProcess(
            session: session, id: id, process: process, isInteractive: interactive, hasTerminal: terminal,
            interruption: .leaves, start: fromStart ? .start : .now, inputOffset: nil)
        switch try await attached.follow() {
        case .exited(let exit): try ExitCodes.end(with: exit, of: attached.name, session.console)
        case .detached(let byKeys):
            session.console.note("\(attached.name) goes on")
            if !byKeys { throw ExitCodes.interrupted }
        }
    }
}
