import ContainerModel
import ContainerProtocol
import Dispatch
import Foundation
import GRDB
import Logging
import MessagePack
import Synchronization
import Testing
import ZeroMQ

@testable import Worker

/// A journal in a folder of its own and on a loop of its own, which a test opens and closes as workers would.
final class TestJournal {
    let folder: URL
    private let loop: SocketLoop
    private var open: SQLiteJournal?
    private let complaints = DispatchSemaphore(value: 0)

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("windlass-journal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        loop = try SocketLoop(context: try Context(), name: "journal")
    }

    deinit {
        close()
        loop.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    var file: URL { folder.appendingPathComponent("journal.sqlite") }
    var log: URL { folder.appendingPathComponent("journal.sqlite-wal") }
    var mark: URL { folder.appendingPathComponent("journal.open") }

    /// Opens it as a worker does at its start.
    @discardableResult
    func start(events: Int = 1_000_000, age: Duration = .seconds(86_400)) throws -> JournalContents {
        close()
        var configuration = WorkerConfiguration(host: "test", stateDirectory: folder.path)
        configuration.limits.events = events
        configuration.times.eventAge = age
        let complaints = complaints
        let logger = Logger(label: "test") { _ in Complaints { complaints.signal() } }
        let (settings, loop) = (configuration, loop)
        let journal = try loop.perform { try SQLiteJournal(configuration: settings, loop: loop, logger: logger) }
        open = journal
        return try loop.perform { journal.takeContents() }
    }

    func close() {
        if let journal = open { try? loop.perform { journal.close() } }
        open = nil
    }

    /// Puts everything as it is now into another folder: as a worker leaves it that is killed.
    func killed() throws -> TestJournal {
        let copy = try TestJournal()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where !name.hasPrefix("lock") {
            try FileManager.default.copyItem(
                at: folder.appendingPathComponent(name), to: copy.folder.appendingPathComponent(name))
        }
        return copy
    }

    /// Changes bytes of a file.
    func change(_ file: URL, _ change: (inout [UInt8]) throws -> Void) throws {
        var bytes = try #require(try StateDirectory.read(file.path))
        try change(&bytes)
        try StateDirectory.write(bytes, to: file.path, for: .writingAnew)
    }

    /// Looks at it on its loop.
    func look<Result: Sendable>(_ question: @escaping @Sendable (SQLiteJournal) -> Result) throws -> Result {
        let journal = try #require(open)
        return try loop.perform { question(journal) }
    }

    /// Hands it an entry, and calls `kept` when it is kept.
    func append(_ entry: JournalEntry, kept: @escaping @Sendable () -> Void) throws {
        let journal = try #require(open)
        try loop.perform { journal.append(entry, kept: kept) }
    }

    /// Keeps an entry.
    func keep(_ entry: JournalEntry) throws {
        let kept = DispatchSemaphore(value: 0)
        try append(entry) { kept.signal() }
        #expect(kept.wait(timeout: .now() + 30) == .success, "it was not kept")
    }

    func keep(_ events: [RecordedEvent]) throws { try keep(JournalEntry(events: events)) }

    func read(
        after: UInt64 = 0, limit: Int = 1000, bytes: Int = 1 << 20, kinds: Set<String>? = nil, ids: [String]? = nil
    )
        throws -> [UInt64]?
    {
        let query = EventQuery(
            after: after, limit: limit, bytes: bytes, kinds: kinds,
            ids: ids.map { Set($0.compactMap(ContainerID.init)) })
        return try find(query)?.bodies.map { $0.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
    }

    func find(_ query: EventQuery) throws -> FoundEvents? {
        try find { journal, found in journal.read(query, found: found) }
    }

    func answer(to key: RequestKey) throws -> StoredAnswer? {
        try find { journal, found in journal.answer(to: key, found: found) }
    }

    private func find<Result: Sendable>(
        _ ask: @escaping @Sendable (SQLiteJournal, @escaping @Sendable (Result) -> Void) -> Void
    ) throws -> Result {
        let journal = try #require(open)
        let answered = DispatchSemaphore(value: 0)
        let answer = Mutex<Result?>(nil)
        try loop.perform {
            ask(journal) { result in
                answer.withLock { $0 = result }
                answered.signal()
            }
        }
        answered.wait()
        return try #require(answer.withLock { $0 })
    }

    /// Waits until it has said in the log that it cannot be written.
    func complained() { #expect(complaints.wait(timeout: .now() + 30) == .success, "nothing was logged as an error") }

    /// Changes the database behind its back.
    func tamper(_ sql: String) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        let database = try DatabaseQueue(path: file.path, configuration: configuration)
        try database.write { try $0.execute(sql: sql) }
        try database.close()
    }
}

/// Calls back at every error that is logged.
private struct Complaints: LogHandler {
    let complain: @Sendable () -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.error

    init(_ complain: @escaping @Sendable () -> Void) { self.complain = complain }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { if event.level >= .error { complain() } }
}

extension RecordedEvent {
    /// An event whose body begins with its number.
    static func numbered(
        _ seq: UInt64, _ kind: Event.Kind = .exit, _ id: String? = nil, second: Int64 = Timestamp.now.seconds,
        bytes: Int = 8
    ) -> RecordedEvent {
        let number = (0..<8).reversed().map { UInt8(truncatingIfNeeded: seq >> ($0 * 8)) }
        return RecordedEvent(
            seq: seq, kind: kind, id: id.flatMap(ContainerID.init), second: second,
            body: number + [UInt8](repeating: 0, count: bytes - 8))
    }
}
