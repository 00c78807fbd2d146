import Foundation

/// The files of a journal: the database, and what SQLite and the worker keep beside it.
struct JournalFiles: Sendable {
    let database: String
    var log: String { database + "-wal" }
    var index: String { database + "-shm" }
    let mark: String
    let lock: String

    init(_ folder: URL) {
        database = folder.appendingPathComponent("journal.sqlite").path
        mark = folder.appendingPathComponent("journal.open").path
        lock = folder.appendingPathComponent("lock.sqlite").path
    }

    /// Whether there is a database that has nothing in it.
    var isEmpty: Bool { size(database) == 0 }

    /// Whether there is nothing in the write-ahead log.
    var hasNoLog: Bool { (size(log) ?? 0) == 0 }

    /// Takes away what others may do with the files that are there.
    func tighten() throws {
        for path in [database, log, index, mark, lock] { try StateDirectory.tighten(path, 0o600) }
    }

    /// What the worker before this one left.
    func remains() throws -> JournalRemains {
        JournalRemains(
            log: WriteAheadLog(try StateDirectory.read(log) ?? []),
            index: try StateDirectory.read(index).flatMap(WriteAheadIndex.init), mark: JournalMark(at: mark),
            boot: JournalMark.currentBoot)
    }

    /// What can be done where something that was committed is gone.
    func refusal(_ lost: String) -> SQLiteJournal.Unusable {
        SQLiteJournal.Unusable(
            description:
                "the journal \(database) cannot be used: \(lost). Restore it, with the -wal file beside it, from a copy; or "
                + "go on without what is lost: `sqlite3 \(database) 'PRAGMA wal_checkpoint(TRUNCATE)'` keeps the rest, and "
                + "then remove \(mark)")
    }

    private func size(_ path: String) -> Int? {
        try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    }
}
