import Foundation
import GRDB

/// Keeps a second worker out of a state directory for as long as this one lives.
///
/// It is a transaction on a database of its own that never ends: SQLite's file lock goes with the process, however that
/// ends, on every platform.
final class StateLock: Sendable {
    private let database: DatabaseQueue

    /// - Throws: ``SQLiteJournal/Unusable`` where another process has it.
    init(_ folder: URL) throws {
        let path = folder.appendingPathComponent("lock.sqlite").path
        var settings = GRDB.Configuration()
        settings.label = "lock"
        settings.allowsUnsafeTransactions = true
        // A worker that is just ending may hold it for a moment.
        settings.busyMode = .timeout(3)
        do {
            try StateDirectory.makeFile(path)
            database = try DatabaseQueue(path: path, configuration: settings)
            try database.unsafeReentrantWrite { try $0.execute(sql: "BEGIN EXCLUSIVE") }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            throw SQLiteJournal.Unusable(
                description:
                    "another worker uses the state directory \(folder.path); give this one a directory of its own "
                    + "with --state-dir, or stop the other")
        } catch {
            throw SQLiteJournal.Unusable(
                description:
                    "the state directory \(folder.path) cannot be used (\(error)); see that the worker may write "
                    + "there, and that the disk has room")
        }
    }

    /// Lets others in.
    func release() { try? database.close() }
}
