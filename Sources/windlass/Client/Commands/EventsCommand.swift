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

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Only events of a type=TYPE or an id=CONTAINER.", valueName: "filter"))
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
        try await LiveDisplay.untilInterrupted(session.console) {
            try await follow(stream, endpoint, history, session) { if filter.matches($0) { try printer.print($0) } }
        }
    }

    private func follow(
        _ stream: EventStream, _ endpoint: String, _ history: EventHistory, _ session: Session,
        _ body: (Value) throws -> Void
    ) async throws {
        var sequence = EventSequence(last: after)
        let watch = SilenceWatch()
        let watching = Task {
            guard try await watch.hasBegun(within: session.timeout ?? .seconds(5)) else { return stream.close() }
            // A worker sends a heartbeat every second. The stream finds it again by itself when it comes back.
            for await isSilent in watch.changes(after: .seconds(5)) {
                session.console.note(
                    isSilent ? "\(endpoint) has been silent for 5 s; waiting for the worker" : "the worker is back")
            }
        }
        defer { watching.cancel() }
        for await event in stream.events {
            watch.heard()
            try await sequence.take(event, history, body)
        }
        try Task.checkCancellation()
        throw Failure(
            .unavailable,
            "no events come from \(endpoint); does a worker publish there? --events names its event endpoint",
            retryable: true)
    }
}
