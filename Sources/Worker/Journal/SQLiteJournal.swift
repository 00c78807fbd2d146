import ContainerModel
import ContainerProtocol
import Dispatch
import Foundation
import GRDB
import Logging
import MessagePack
import Threads
import ZeroMQ

/// Keeps everything in SQLite, in the file `journal.sqlite` of the state directory.
///
/// Commits are grouped: while one transaction is written, what comes gathers for the next one. With a write-ahead log
/// and `synchronous = NORMAL` a commit survives the death of the worker; with `FULL` it survives the loss of power too,
/// at the price of one sync of the disk per group. A commit that fails is tried again until it succeeds: nothing is
/// published or answered meanwhile, and ``trouble`` has the reason.
final class SQLiteJournal: Journal, @unchecked Sendable {
    // Sendable: what changes is touched on the socket loop only, where every method is called and every answer comes.
    let epoch: UInt64
    private(set) var lastSequence: UInt64
    private(set) var oldestSequence: UInt64
    private(set) var trouble: String?
    private(set) var damage: String?
    private(set) var figures = JournalFigures()
    /// Entries that are not kept yet, and when the last commit came back or the first of them was given.
    private var waiting = 0
    private var lastProgress = ContinuousClock.now
    private var contents: JournalContents

    private let loop: SocketLoop
    private let logger: Logger
    private let database: DatabasePool
    private let lock: StateLock
    private let files: JournalFiles
    private let writer: JournalWriter
    private let reader: WorkThread

    /// Why the journal cannot be used.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Opens the journal and counts this start.
    /// - Throws: if the file is damaged or cannot be written; a damaged file is never replaced by a new one.
    init(configuration: WorkerConfiguration, loop: SocketLoop, logger: Logger) throws {
        self.loop = loop
        self.logger = logger
        let folder = URL(fileURLWithPath: configuration.stateDirectory)
        guard let reader = WorkThread("journal-reader"), let thread = WorkThread("journal-writer") else {
            throw Unusable(description: "the system gives no threads for the journal; raise ulimit -u or ulimit -v")
        }
        self.reader = reader
        lock = try StateLock(folder)
        files = JournalFiles(folder)
        let path = files.database
        let isNew = !FileManager.default.fileExists(atPath: path)
        do {
            try files.tighten()
            // SQLite takes an empty file for a new database: a file that was cut may not cost everything.
            if files.isEmpty { throw DatabaseError(resultCode: .SQLITE_NOTADB, message: "the file is empty") }
            if isNew {
                if JournalMark(at: files.mark) != nil {
                    logger.warning(
                        "the journal that was in use is gone: another one is begun", metadata: ["file": "\(path)"])
                }
            } else {
                try SQLiteJournal.examine(files, logger)
            }
            try StateDirectory.makeFile(path)
            let database = try DatabasePool(path: path, configuration: SQLiteJournal.settings(configuration))
            try JournalTables.prepare(database)
            let retention = configuration.eventRetention
            let start = try database.write { db in
                let start = try JournalTables.begin(db)
                let oldest = try JournalTables.trim(retention, now: Timestamp.now.seconds, db).oldest
                return (start.epoch, start.last, oldest)
            }
            (epoch, lastSequence, oldestSequence) = start
            contents = try database.read { try JournalTables.contents($0) }
            try JournalMark(epoch: epoch, boot: JournalMark.currentBoot).write(to: files.mark)
            self.database = database
        } catch let error as Unusable {
            throw error
        } catch {
            // What this very start began and could not write is no damage for the next one.
            if isNew, files.isEmpty { try? FileManager.default.removeItem(atPath: path) }
            throw Unusable(description: SQLiteJournal.advice(path, error))
        }
        writer = JournalWriter(
            database: database, retention: configuration.eventRetention, oldest: oldestSequence,
            crashPlan: configuration.crashPlan, thread: thread)
        report(contents)
        if isNew, configuration.hasBeenUsed {
            // The host is asked what runs at every start: what it has and the journal has not is reported as orphans.
            damage =
                "the journal was begun anew at this start, and a worker has been here before: what that one had recorded is "
                + "gone, and what it left running is named under orphans"
            logger.warning(
                "the journal is new, and the state directory is not", metadata: ["finding": "\(damage ?? "")"])
        }
    }

    /// Looks whether everything is there that was committed.
    private static func examine(_ files: JournalFiles, _ logger: Logger) throws {
        let (remains, hasNoLog) = (try files.remains(), files.hasNoLog)
        // Before SQLite opens it, which makes a new index.
        try judge(remains.finding, files, logger)
        let epoch = try JournalTables.examine(files.database)
        if hasNoLog { try judge(remains.finding(epochWithoutLog: epoch ?? 0), files, logger) }
    }

    private static func judge(_ finding: JournalRemains.Finding?, _ files: JournalFiles, _ logger: Logger) throws {
        switch finding {
        case .lost(let what): throw files.refusal(what)
        case .doubtful(let what):
            logger.warning(
                "the journal may have lost what was committed last: a loss of power explains it",
                metadata: ["finding": "\(what)"])
        case nil: break
        }
    }

    /// Reports what of the contents is damaged.
    private func report(_ contents: JournalContents) {
        if let first = contents.damaged.first {
            found(
                damage:
                    "the records of \(contents.damaged.count) containers are damaged, such as \(first): their ids stay "
                    + "taken, and what they run is left alone")
        }
        if contents.damagedRequests > 0 {
            found(damage: "\(contents.damagedRequests) requests are damaged: they are answered by data_loss")
        }
    }

    private func found(damage text: String) {
        if damage == nil || damage != text { logger.error("the journal is damaged", metadata: ["damage": "\(text)"]) }
        damage = text
    }

    private static func settings(_ configuration: WorkerConfiguration) -> GRDB.Configuration {
        var settings = GRDB.Configuration()
        settings.label = "journal"
        // Another tool that looks into the file may hold it for a moment.
        settings.busyMode = .timeout(5)
        let synchronous = configuration.synchronous == .full ? "FULL" : "NORMAL"
        settings.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = \(synchronous)")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            db.add(function: RowChecksum.function)
        }
        return settings
    }

    private static func advice(_ path: String, _ error: any Error) -> String {
        let text = (error as? DatabaseError).map { $0.message ?? "\($0.resultCode)" } ?? "\(error)"
        let reason = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        let what =
            switch (error as? DatabaseError)?.resultCode {
            case .SQLITE_CORRUPT?, .SQLITE_NOTADB?:
                "it is damaged: restore it, or rescue what it holds with `sqlite3 \(path) .recover`; to begin again without "
                    + "any memory of containers and events, move it away and with it the files -wal and -shm beside it"
            case .SQLITE_FULL?: "the disk is full: free some space and start again"
            default: "see that the worker may write there, and that the disk is well"
            }
        return "the journal \(path) cannot be used (\(reason)); \(what)"
    }

    var committingSince: ContinuousClock.Instant? { waiting > 0 ? lastProgress : nil }

    func append(_ entry: JournalEntry, kept: @escaping @Sendable () -> Void) {
        if waiting == 0 { lastProgress = .now }
        waiting += 1
        writer.write(
            JournalWriter.Group(entry: entry) { [self] outcome in
                loop.post { [self] in settle(outcome, kept) }
            })
    }

    private func settle(_ outcome: JournalWriter.Outcome, _ kept: @Sendable () -> Void) {
        lastProgress = .now
        switch outcome {
        case .kept(let last, let oldest, let commit):
            waiting -= 1
            if let commit { figures.commits.observe(commit) }
            if trouble != nil { logger.notice("the journal can be written again") }
            trouble = nil
            lastSequence = max(lastSequence, last)
            oldestSequence = max(oldestSequence, oldest)
            kept()
        case .failed(let reason):
            figures.failures += 1
            if trouble == nil {
                logger.error(
                    "the journal cannot be written: nothing is published until it can", metadata: ["error": "\(reason)"]
                )
            }
            trouble = reason
        }
    }

    func read(_ query: EventQuery, found: @escaping @Sendable (FoundEvents?) -> Void) {
        find({ try JournalTables.read(query, $0) }) { [self] events in
            if let damaged = events?.damaged { self.found(damage: "event \(damaged) is damaged") }
            found(events)
        }
    }

    func answer(to request: RequestKey, found: @escaping @Sendable (StoredAnswer?) -> Void) {
        find({ try JournalTables.answer(to: request, $0) }) { [self] answer in
            if answer??.isDamaged == true { self.found(damage: "the answer to a request is damaged") }
            found(answer ?? nil)
        }
    }

    func description(of id: ContainerID, found: @escaping @Sendable ([UInt8]?) -> Void) {
        find({ try JournalTables.description(of: id, $0) }) { found($0 ?? nil) }
    }

    private func find<Result: Sendable>(
        _ question: @escaping @Sendable (Database) throws -> Result, _ found: @escaping @Sendable (Result?) -> Void
    ) {
        reader.run { [loop, database, logger] in
            let result: Result?
            do {
                result = try database.read(question)
            } catch {
                logger.error("the journal cannot be read", metadata: ["error": "\(error)"])
                result = nil
            }
            loop.post { found(result) }
        }
    }

    func takeContents() -> JournalContents {
        defer { contents = JournalContents() }
        return contents
    }

    func close() {
        let isKept = writer.finish(within: .seconds(2))
        if !isKept {
            logger.error("the journal could not be written to its end", metadata: ["error": "\(trouble ?? "")"])
        }
        let isRead = DispatchSemaphore(value: 0)
        reader.run { isRead.signal() }
        _ = isRead.wait(timeout: .now() + 2)
        // GRDB closes readers last, which leaves the write-ahead log behind; what is one file can be copied and moved.
        let isMerged = (try? database.writeWithoutTransaction { try $0.checkpoint(.truncate) }) != nil
        try? database.close()
        if isKept, isMerged { try? FileManager.default.removeItem(atPath: files.mark) }
        lock.release()
    }
}
