import ArgumentParser
import ContainerModel

/// `windlass stop`: asks containers to end, and ends them by force when their time is up.
struct StopCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Ask containers to end, and end them by force after a while.")

    @OptionGroup var connection: ConnectionOptions

    @Option(
        name: [.customShort("t"), .customLong("time")], help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var grace = TimeSpan(.seconds(10))

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"))
    var ids: [ContainerID]

    func perform(_ session: Session) async throws {
        try await session.forEach(ids) { id in
            // The worker answers when the container is down, which may take a while longer than the grace.
            let timeout = session.timeout ?? grace.duration + .seconds(300)
            let result = try await session.client.call(
                .stop, ["id": .string(id.rawValue), "grace_ms": .unsigned(grace.milliseconds)], timeout: timeout)
            try session.console.done(id, result)
        }
    }
}
