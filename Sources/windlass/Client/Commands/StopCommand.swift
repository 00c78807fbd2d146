import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack
import WorkerClient

/// `windlass stop`: asks containers to end, and ends them by force when their time is up.
struct StopCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Ask containers to end, and end them by force after a while.",
        usage: "windlass stop [<options>] <container> ...")

    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("time")],
        help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var grace = TimeSpan(.seconds(10))

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func validate() throws {
        guard let timeout = connection.timeout, timeout.duration < grace.duration else { return }
        throw ValidationError("--timeout is how long this command waits; -t says how long the containers have")
    }

    func perform(_ session: Session) async throws {
        try await session.forEach(ids, .beginningAtTerminal) { id in
            try session.console.done(id, try await StopCommand.stop(id, grace, session))
        }
    }

    @discardableResult
    static func stop(_ id: ContainerID, _ grace: TimeSpan, _ session: Session) async throws -> Value {
        // The worker answers when the container is down, which may take a while longer than the grace.
        let timeout = session.timeout ?? grace.duration + .seconds(300)
        return try await session.client.call(
            .stop, ["id": .string(id.rawValue), "grace_ms": .unsigned(grace.milliseconds)], timeout: timeout)
    }
}
