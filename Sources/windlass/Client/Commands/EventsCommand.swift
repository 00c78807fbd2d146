import ArgumentParser
import ContainerProtocol
import Foundation
import MessagePack
import WorkerClient

/// `windlass events`: what happens on the host, without a gap.
struct EventsCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what happens on the host, as it happens.",
        discussion: """
            With --after, what happened after that event first, as far as the worker keeps it. Events that the stream \
            has lost are fetched; where they are not kept any more, that is said. Ends with Ctrl-C.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: ArgumentHelp(
            "The worker's event endpoint; else WINDLASS_EVENTS, else \(EventsCommand.defaultEndpoint).",
            valueName: "endpoint"))
    var events: String?

    @Option(help: ArgumentHelp("Begin after the event of this number; 0 is the beginning.", valueName: "seq"))
    var after: UInt64?

    @Option(name: .shortAndLong, help: ArgumentHelp("Only events of a type=TYPE or an id=CONTAINER.", valueName: "filter"))
    var filter: [KeyValue] = []

    @Flag(help: "End when what has happened so far has been shown.")
    var noFollow = false

    static let defaultEndpoint = "tcp://127.0.0.1:5771"

    func validate() throws { _ = try EventFilter(filter) }

    func perform(_ session: Session) async throws {
        let endpoint = events ?? ProcessInfo.processInfo.environment["WINDLASS_EVENTS"] ?? EventsCommand.defaultEndpoint
        let filter = try EventFilter(filter)
        let printer = EventPrinter(console: session.console)
        let history = EventHistory(session: session)
        if noFollow {
            var last = after ?? 0
            return try await history.replay(after: &last) { if filter.matches($0) { try printer.print($0) } }
        }
        let stream = try await EventStream([endpoint])
        defer { stream.close() }
        try await LiveDisplay.untilInterrupted {
            var sequence = EventSequence(last: after)
            let first = Task {
                try await Task.sleep(for: session.timeout ?? .seconds(5))
                stream.close()
            }
            for await event in stream.events {
                first.cancel()
                try await sequence.take(event, history) { if filter.matches($0) { try printer.print($0) } }
            }
            try Task.checkCancellation()
            throw Failure(
                .unavailable,
                "no events come from \(endpoint); does a worker publish there? --events names its event endpoint",
                retryable: true)
        }
    }
}
