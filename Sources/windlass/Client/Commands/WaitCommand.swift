import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack
import WorkerClient

/// `windlass wait`: waits until containers have exited, and prints their exit codes.
struct WaitCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until containers have exited, and print their exit codes.",
        usage: "windlass wait [<options>] <container> ...",
        discussion: """
            Waits without end where no --timeout is given, over restarts of the worker too; one code a line, in the \
            order of the containers. A code that could not be learnt is printed as `unknown`.
            """)

    @Option(help: "The process within the containers.")
    var process = ProcessName.initial

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        // All are waited for at once, so that one that is removed meanwhile has been seen.
        let waits = ids.map { id in (id, Task { try await exit(of: id, session) }) }
        var failed = false
        for (id, wait) in waits {
            do {
                let exit = try await wait.value
                switch session.console.format {
                case .table: try session.console.line(exit.known ? String(exit.code) : "unknown")
                case .json: try session.console.json(["id": .string(id.rawValue), "exit": exit.value])
                }
            } catch let failure as Failure {
                session.console.report(failure)
                failed = true
            }
        }
        if failed { throw ExitCodes.failed }
    }

    private func exit(of name: ContainerID, _ session: Session) async throws -> Exit {
        let id = try await session.container(name)
        guard session.timeout != nil else { return try await session.client.wait(id, process) }
        let answer = try await session.call(.wait, id, ["process": .string(process.rawValue)])
        return try Exit(answer["exit"]).orFail("the exit of \(id)")
    }
}

extension Exit {
    /// The exit in its wire form.
    var value: Value {
        [
            "code": .unsigned(UInt64(code)), "known": .bool(known), "reason": .string(reason.rawValue),
            "at": .timestamp(at), "observed_by": .string(observedBy.rawValue),
        ]
    }
}
