import ArgumentParser
import ContainerProtocol
import MessagePack
import WorkerClient

/// `windlass ping`: whether the worker answers, and how fast.
struct PingCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "See whether the worker answers, and how fast.",
        usage: "windlass ping [<options>]")

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    func perform(_ session: Session) async throws {
        let start = ContinuousClock.now
        let answer = try await session.call(.ping)
        let microseconds = Int((ContinuousClock.now - start) / .microseconds(1))
        switch session.console.format {
        case .json:
            try session.console.json(
                [
                    "endpoint": .string(session.client.endpoint), "round_trip_us": .int(microseconds),
                    "time": answer["time"] ?? .null,
                ])
        case .table: try session.console.line("\(session.client.endpoint) answered in \(microseconds) µs")
        }
    }
}
