import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// `windlass start`: runs the first process of containers that were created.
struct StartCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start containers that were created.",
        usage: "windlass start [<options>] <container> ...",
        discussion: """
            A container runs once; `windlass restart` makes one that has stopped anew. With -a, which takes one \
            container, the exit code is the container's, as for `run`.
            """)
    static var exitCodes: ExitCodes { .ofContainer }

    @Flag(name: .shortAndLong, help: "Show its output until it exits.")
    var attach = false

    @Flag(name: .shortAndLong, help: "Give it this standard input too, where it was created with -i.")
    var interactive = false

    @Option(help: .detachKeys)
    var detachKeys = DetachKeys()

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func validate() throws {
        guard ids.count == 1 || !(attach || interactive) else {
            throw ValidationError("-a and -i take one container")
        }
    }

    func perform(_ session: Session) async throws {
        guard attach || interactive, let name = ids.first else {
            return try await session.forEach(ids) { id in
                try session.console.done(id, try await StartCommand.start(id, session))
            }
        }
        let id = try await session.container(name)
        let terminal = (try? await session.specification(of: id))?["spec"]?["process"]?["terminal"] == true
        try await StartCommand.start(id, session)
        let attached = AttachedProcess(
            session: session, id: id, isInteractive: interactive, hasTerminal: terminal, isLossless: true,
            keys: detachKeys)
        switch try await attached.follow() {
        case .exited(let exit, let lostOutput):
            try ExitCodes.end(with: exit, of: id.rawValue, lostOutput: lostOutput, session.console)
        case .detached(let byKeys):
            session.console.note("\(id) goes on")
            if !byKeys { throw ExitCodes.interrupted }
        }
    }

    @discardableResult
    static func start(_ id: ContainerID, _ session: Session) async throws -> Value {
        do {
            return try await session.call(.start, id)
        } catch let failure as Failure
            where failure.code == .failedPrecondition && failure.details["state"]?.string == "stopped"
        {
            throw Failure(
                .failedPrecondition,
                "\(id) has run and stopped, and a container runs once: `windlass restart \(id)` makes it anew",
                details: failure.details)
        }
    }
}
