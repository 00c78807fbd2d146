import ArgumentParser
import ContainerModel
import WorkerClient

/// `windlass attach`: joins a process that runs already.
struct AttachCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Join a process that runs: see its output, give it input.",
        usage: "windlass attach [<options>] <container>",
        discussion: """
            Ctrl-C leaves; the process goes on. The exit code is the process's where it exits first, and 125 to 127 as \
            for `run`. With -it keys go to the process, and Ctrl-P Ctrl-Q leaves.
            """)
    static var exitCodes: ExitCodes { .ofContainer }

    @Flag(name: .shortAndLong, help: "Give it standard input.")
    var interactive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "It has a terminal: hand on keys and size.")
    var terminal = false

    @Option(help: "The process within the container.")
    var process = ProcessName.initial

    @Flag(help: "Begin with what it wrote before.")
    var fromStart = false

    @Option(help: .detachKeys)
    var detachKeys = DetachKeys()

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The container.", valueName: "container"), completion: .containers)
    var id: ContainerID

    func perform(_ session: Session) async throws {
        let attached = AttachedProcess(
            session: session, id: try await session.container(id), process: process, isInteractive: interactive,
            hasTerminal: terminal, interruption: .leaves, start: fromStart ? .start : .now, inputOffset: nil,
            keys: detachKeys)
        switch try await attached.follow() {
        case .exited(let exit, let lostOutput):
            try ExitCodes.end(with: exit, of: attached.name, lostOutput: lostOutput, session.console)
        case .detached(let byKeys):
            session.console.note("\(attached.name) goes on")
            if !byKeys { throw ExitCodes.interrupted }
        }
    }
}
