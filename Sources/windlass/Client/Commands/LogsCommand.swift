import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack
import WorkerClient

/// `windlass logs`: what processes wrote, as far as the worker keeps it.
struct LogsCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what processes wrote.",
        usage: "windlass logs [<options>] <container> ...",
        discussion: """
            Lines of several containers begin with their names. Times: 10m (that long ago), 2026-11-28T10:00:00Z, or \
            seconds since 1970. With --format json: one piece a line, its bytes as base64.
            """)

    @Flag(name: .shortAndLong, help: "Go on with what they write, until they exit.")
    var follow = false

    @Option(
        name: [.customShort("n", allowingJoined: true), .long],
        help: ArgumentHelp("Begin with so many of the last lines; all for all.", valueName: "lines"))
    var tail: LineCount?

    @Option(help: ArgumentHelp("Begin with what was written at this time.", valueName: "time"))
    var since: TimePoint?

    @Option(help: ArgumentHelp("End with what was written at this time.", valueName: "time"))
    var until: TimePoint?

    @Flag(name: .shortAndLong, help: "Put the time before each line.")
    var timestamps = false

    @Option(help: "The process within the containers.")
    var process = ProcessName.initial

    @Option(
        help: ArgumentHelp("Begin at this offset, in bytes over all its streams.", valueName: "bytes"))
    var from: UInt64 = 0

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The containers.", valueName: "container"), completion: .containers)
    var ids: [ContainerID]

    func validate() throws {
        if since != nil, from > 0 { throw ValidationError("--since and --from exclude each other") }
    }

    func perform(_ session: Session) async throws {
        let now = Timestamp.now
        let selection = LogSelection(
            offset: from, since: since?.timestamp(now: now), until: until?.timestamp(now: now),
            tail: tail.flatMap(\.lines), hasTimes: timestamps)
        var names: [ContainerID] = []
        for id in ids { names.append(try await session.container(id)) }
        let readers = names.map { id in
            LogReader(
                session: session, id: id, process: process, selection: selection,
                lines: LogLines(name: names.count > 1 ? id.rawValue : nil, hasTimes: timestamps),
                isOneOfSeveral: names.count > 1)
        }
        // What has an end in the past has nothing to follow.
        guard follow, selection.until.map({ now < $0 }) ?? true else {
            for var reader in readers { _ = try await reader.showKept() }
            return
        }
        let limit = selection.until.map { $0.duration(since: now) }
        try await LiveDisplay.untilInterrupted(session.console, until: limit) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for reader in readers {
                    group.addTask {
                        var reader = reader
                        try await reader.follow()
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
