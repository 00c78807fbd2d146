import ContainerModel
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
        usage: "windlass events [<options>]",
        discussion: """
            With --after or --since, what happened after that first, as far as the worker keeps it. Events that the \
            stream has lost are fetched; where they are not kept any more, that is said on standard error. It goes on \
            when the worker was started anew, and ends with Ctrl-C, or at --until.

            Times: 10m (that long ago), 2026-11-28T10:00:00Z, or seconds since 1970. Filters: type=TYPE, \
            id=CONTAINER, process=NAME, label=KEY, label=KEY=VALUE.
            """)

    @Option(
        help: ArgumentHelp(
            "The worker's event endpoint; else WINDLASS_EVENTS, the context's, or the port after the worker's.",
            valueName: "endpoint"))
    var events: String?

    @Option(help: ArgumentHelp("Begin after the event of this number; 0 is the beginning.", valueName: "seq"))
    var after: UInt64?

    @Option(help: ArgumentHelp("Begin with the events of this time.", valueName: "time"))
    var since: TimePoint?

    @Option(help: ArgumentHelp("End with the events of this time.", valueName: "time"))
    var until: TimePoint?

    @Option(name: .shortAndLong, help: ArgumentHelp("Only events that match.", valueName: "filter"))
    var filter: [KeyValue] = []

    @Flag(help: "End when what has happened so far has been shown.")
    var noFollow = false

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    func validate() throws {
        _ = try EventFilter(filter)
        if after != nil, since != nil { throw ValidationError("--after and --since exclude each other") }
    }

    func perform(_ session: Session) async throws {
        let endpoint = try connection.address(events: events).events
        let filter = try EventFilter(filter)
        let printer = EventPrinter(console: session.console)
        let end = until?.timestamp(now: .now)
        let history = EventHistory(session: session)
        var last = after
        if let since { last = try await history.last(before: since.timestamp(now: .now)) }
        // What has happened until then is in the worker's log.
        if noFollow || end.map({ $0 <= .now }) == true {
            var last = last ?? 0
            return try await history.replay(after: &last) { event in
                guard EventsCommand.isWithin(event, end) else { return false }
                if filter.matches(event) { try printer.print(event) }
                return true
            }
        }
        let watch = SilenceWatch()
        let feed = try await EventFeed(session.client, endpoint, after: last) { watch.heard() }
        defer { feed.close() }
        try await LiveDisplay.untilInterrupted(session.console, until: end.map { $0.duration(since: .now) }) {
            try await follow(feed, watch, endpoint, session) { event in
                if filter.matches(event), EventsCommand.isWithin(event, end) { try printer.print(event) }
            }
        }
    }

    private static func isWithin(_ event: Value, _ end: Timestamp?) -> Bool {
        guard let end, let time = event["time"]?.timestamp else { return true }
        return time <= end
    }

    private func follow(
        _ feed: EventFeed, _ watch: SilenceWatch, _ endpoint: String, _ session: Session,
        _ body: (Value) throws -> Void
    ) async throws {
        let watching = Task {
            guard try await watch.hasBegun(within: session.timeout ?? .seconds(5)) else { return feed.close() }
            // A worker sends a heartbeat every second. The stream finds it again by itself when it comes back.
            for await isSilent in watch.changes(after: .seconds(5)) {
                session.console.note(
                    isSilent ? "\(endpoint) has been silent for 5 s; waiting for the worker" : "the worker is back")
            }
        }
        defer { watching.cancel() }
        for try await item in feed {
            if case .event(let event) = item { try body(event.body) }
            if let remark = EventsCommand.remark(on: item) { session.console.note(remark) }
        }
        try Task.checkCancellation()
        throw Failure(
            .unavailable,
            "no events come from \(endpoint); does a worker publish there? --events names its event endpoint",
            retryable: true)
    }

    /// A remark for the user besides the events; nil if there is none.
    static func remark(on item: EventFeed.Item) -> String? {
        switch item {
        case .begins, .event: nil
        case .gap(let missing), .snapshot(_, missed: let missing): EventHistory.remark(onMissing: missing)
        case .restart(let last):
            "the worker counts its events anew: what it did after event \(last) of the former numbers is not known"
        }
    }
}
