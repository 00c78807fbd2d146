import ContainerProtocol
import Foundation
import GRDB

/// The tables of `journal.sqlite`, and what is asked of them.
enum JournalTables {
    /// A file up to this size is looked through whole at each start; of a larger one only what a start needs.
    private static let checkedBytes: Int64 = 64 << 20

    /// Looks, before anything is changed, whether a file that is there is a journal of this version and without damage.
    static func examine(_ path: String) throws {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64
        guard let size, size > 0 else { return }
        var settings = Configuration()
        settings.readonly = true
        settings.busyMode = .timeout(5)
        let database = try DatabaseQueue(path: path, configuration: settings)
        try database.read { db in
            if try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 { return }
            guard try db.tableExists("grdb_migrations"), try db.tableExists("host") else {
                throw SQLiteJournal.Unusable(
                    description:
                        "\(path) is no journal of a worker but a database of something else; give this worker a directory "
                        + "of its own with --state-dir")
            }
            guard try !migrator.hasBeenSuperseded(db) else {
                throw SQLiteJournal.Unusable(
                    description:
                        "the journal \(path) has been used by a later version of windlass; start that one, or give this "
                        + "one a directory of its own with --state-dir")
            }
            let tables = ["host", "container", "request"] + (size <= checkedBytes ? ["event"] : [])
            for table in tables {
                let found = try String.fetchOne(db, sql: "PRAGMA quick_check('\(table)')") ?? "ok"
                guard found == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: found) }
            }
        }
        try database.close()
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE host (
                        one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, last_seq INTEGER NOT NULL);
                    INSERT INTO host VALUES (1, 0, 0);
                    CREATE TABLE event (
                        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT, second INTEGER NOT NULL,
                        body BLOB NOT NULL);
                    CREATE TABLE container (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
                    CREATE TABLE request (
                        number INTEGER PRIMARY KEY, principal TEXT NOT NULL, id TEXT NOT NULL, digest BLOB NOT NULL,
                        method TEXT NOT NULL, second INTEGER NOT NULL, is_failure INTEGER, answer BLOB,
                        UNIQUE (principal, id));
                    """)
        }
        return migrator
    }

    /// Makes what is missing.
    static func prepare(_ database: DatabasePool) throws { try migrator.migrate(database) }

    /// Counts a start of the worker.
    static func begin(_ db: Database) throws -> (epoch: UInt64, last: UInt64) {
        try db.execute(sql: "UPDATE host SET epoch = epoch + 1")
        guard let row = try Row.fetchOne(db, sql: "SELECT epoch, last_seq FROM host") else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table host is empty")
        }
        let (epoch, last): (Int64, Int64) = (row[0], row[1])
        return (UInt64(clamping: epoch), UInt64(clamping: last))
    }

    private static func oldest(_ db: Database, last: Int64) throws -> UInt64 {
        UInt64(clamping: try Int64.fetchOne(db, sql: "SELECT min(seq) FROM event") ?? last + 1)
    }

    static func contents(_ db: Database) throws -> JournalContents {
        var contents = JournalContents()
        for row in try Row.fetchAll(db, sql: "SELECT id, record FROM container ORDER BY id") {
            let (id, record): (String, Data) = (row[0], row[1])
            guard let id = ContainerID(id) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(id) is no container id")
            }
            contents.containers.append((id, Array(record)))
        }
        let requests = try Row.fetchCursor(
            db, sql: "SELECT principal, id, digest, method, second, answer IS NOT NULL FROM request ORDER BY number")
        while let row = try requests.next() {
            let digest: Data = row[2]
            contents.requests.append(
                StoredRequest(
                    key: RequestKey(principal: row[0], id: row[1]), digest: ContentDigest(bytes: Array(digest)),
                    method: row[3], second: row[4], isAnswered: row[5]))
        }
        return contents
    }

    // MARK: Writing

    static func write(_ entry: JournalEntry, _ db: Database) throws {
        if !entry.events.isEmpty { try insert(entry.events, db) }
        for (id, record) in entry.containers {
            if let record {
                let statement = try db.cachedStatement(sql: "INSERT OR REPLACE INTO container VALUES (?, ?)")
                try statement.execute(arguments: [id.rawValue, Data(record)])
            } else {
                try db.cachedStatement(sql: "DELETE FROM container WHERE id = ?").execute(arguments: [id.rawValue])
            }
        }
        for change in entry.requests { try write(change, db) }
    }

    private static func insert(_ events: [RecordedEvent], _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO event (seq, kind, id, second, body) VALUES (?, ?, ?, ?, ?)")
        for event in events {
            try statement.execute(
                arguments: [
                    Int64(clamping: event.seq), event.kind.rawValue, event.id?.rawValue, event.second, Data(event.body),
                ])
        }
        guard let last = events.last else { return }
        try db.cachedStatement(sql: "UPDATE host SET last_seq = ?").execute(arguments: [Int64(clamping: last.seq)])
    }

    private static func write(_ change: RequestChange, _ db: Database) throws {
        switch change {
        case .began(let request):
            try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO request (principal, id, digest, method, second) VALUES (?, ?, ?, ?, ?)
                    """
            ).execute(
                arguments: [
                    request.key.principal, request.key.id, Data(request.digest.bytes), request.method, request.second,
                ])
        case .answered(let key, let answer):
            try db.cachedStatement(sql: "UPDATE request SET is_failure = ?, answer = ? WHERE principal = ? AND id = ?")
                .execute(arguments: [answer.isFailure, Data(answer.body), key.principal, key.id])
        case .forgotten(let key):
            try db.cachedStatement(sql: "DELETE FROM request WHERE principal = ? AND id = ?")
                .execute(arguments: [key.principal, key.id])
        }
    }

    /// Removes the events that are over the retention.
    /// - Returns: the number of the oldest event that is left.
    static func trim(_ retention: EventRetention, now: Int64, _ db: Database) throws -> UInt64 {
        let last = try Int64.fetchOne(db, sql: "SELECT last_seq FROM host") ?? 0
        try db.execute(sql: "DELETE FROM event WHERE seq <= ?", arguments: [last - Int64(retention.count)])
        // From the oldest up to the first that is young enough: with a clock that was set back an old time may stand
        // behind younger ones, and no gap may come of that.
        try db.execute(
            sql:
                "DELETE FROM event WHERE seq < coalesce((SELECT seq FROM event WHERE second >= ? ORDER BY seq LIMIT 1), ?)",
            arguments: [now - retention.seconds, last + 1])
        return try oldest(db, last: last)
    }

    // MARK: Reading

    static func read(_ query: EventQuery, _ db: Database) throws -> FoundEvents {
        var conditions = ["seq > ?"]
        var arguments: [(any DatabaseValueConvertible)?] = [Int64(clamping: query.after)]
        for (column, texts) in [("kind", query.kinds), ("id", query.ids.map { Set($0.map(\.rawValue)) })] {
            guard let texts else { continue }
            // As one text: there may be more ids than a statement may have arguments.
            let list = try JSONEncoder().encode(texts.sorted())
            conditions.append("\(column) IN (SELECT value FROM json_each(?))")
            arguments.append(String(decoding: list, as: UTF8.self))
        }
        let cursor = try Row.fetchCursor(
            db, sql: "SELECT body FROM event WHERE \(conditions.joined(separator: " AND ")) ORDER BY seq LIMIT ?",
            arguments: StatementArguments(arguments + [query.limit]))
        var page: [[UInt8]] = []
        var left = query.bytes
        while left > 0, let row = try cursor.next() {
            let body: Data = row[0]
            page.append(Array(body))
            left -= body.count
        }
        let last = try Int64.fetchOne(db, sql: "SELECT last_seq FROM host") ?? 0
        return FoundEvents(bodies: page, oldest: try oldest(db, last: last))
    }

    static func answer(to request: RequestKey, _ db: Database) throws -> StoredAnswer? {
        let row = try Row.fetchOne(
            db, sql: "SELECT is_failure, answer FROM request WHERE principal = ? AND id = ? AND answer IS NOT NULL",
            arguments: [request.principal, request.id])
        return row.map { row in
            let body: Data = row[1]
            return StoredAnswer(isFailure: row[0], body: Array(body))
        }
    }
}
