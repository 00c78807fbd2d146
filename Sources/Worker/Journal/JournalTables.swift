import ContainerModel
import ContainerProtocol
import Foundation
import GRDB

/// The tables of `journal.sqlite`, and what is asked of them.
enum JournalTables {
    /// A file up to this size is looked through whole at each start; of a larger one only what a start needs.
    private static let checkedBytes: Int64 = 64 << 20

    /// Looks, before anything is changed, whether a file that is there is a journal of this version and without damage.
    /// - Returns: the number of starts that it has recorded; nil if it is empty.
    static func examine(_ path: String) throws -> UInt64? {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64
        guard let size, size > 0 else { return nil }
        var settings = Configuration()
        settings.readonly = true
        settings.busyMode = .timeout(5)
        let database = try DatabaseQueue(path: path, configuration: settings)
        let epoch = try database.read { db -> UInt64? in
            if try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 { return nil }
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
            return try Int64.fetchOne(db, sql: "SELECT epoch FROM host").map { UInt64(clamping: $0) }
        }
        try database.close()
        return epoch
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
        // Every row has a checksum of its content. An answer comes later than its request.
        migrator.registerMigration("2") { db in
            try db.execute(
                sql: """
                    ALTER TABLE host ADD COLUMN checksum INTEGER;
                    UPDATE host SET checksum = \(Sums.host);
                    ALTER TABLE event ADD COLUMN checksum INTEGER;
                    UPDATE event SET checksum = \(Sums.event);
                    ALTER TABLE container ADD COLUMN checksum INTEGER;
                    UPDATE container SET checksum = \(Sums.container);
                    ALTER TABLE request ADD COLUMN checksum INTEGER;
                    ALTER TABLE request ADD COLUMN answer_checksum INTEGER;
                    UPDATE request SET checksum = \(Sums.request), answer_checksum = \(Sums.answer);
                    """)
        }
        // What a container is made of is large, and does not change with its record.
        migrator.registerMigration("3") { db in
            try db.execute(
                sql: "CREATE TABLE description (id TEXT PRIMARY KEY, body BLOB NOT NULL, checksum INTEGER NOT NULL)")
        }
        return migrator
    }

    /// The checksums of the rows, in SQL.
    enum Sums {
        static let host = "checksum(epoch, last_seq)"
        static let event = "checksum(seq, kind, id, second, body)"
        static let container = "checksum(id, record)"
        static let request = "checksum(principal, id, digest, method, second)"
        static let answer = "checksum(principal, id, is_failure, answer)"
    }

    /// Makes what is missing.
    static func prepare(_ database: DatabasePool) throws { try migrator.migrate(database) }

    private static let columns = [
        "host": ["one", "epoch", "last_seq", "checksum"],
        "event": ["seq", "kind", "id", "second", "body", "checksum"],
        "container": ["id", "record", "checksum"],
        "description": ["id", "body", "checksum"],
        "request": [
            "number", "principal", "id", "digest", "method", "second", "is_failure", "answer", "checksum",
            "answer_checksum",
        ],
    ]

    /// Counts a start of the worker.
    static func begin(_ db: Database) throws -> (epoch: UInt64, last: UInt64) {
        for (table, names) in columns where try db.columns(in: table).map(\.name) != names {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table \(table) has other columns")
        }
        let question = "SELECT epoch, last_seq, checksum IS \(Sums.host), (SELECT max(seq) FROM event) FROM host"
        guard let row = try Row.fetchOne(db, sql: question), row[2] else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the row of the table host is damaged")
        }
        let (epoch, last, newest): (Int64, Int64, Int64?) = (row[0], row[1], row[3])
        if let newest, newest != last {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "event \(newest) is the newest, and \(last) was the last")
        }
        try db.execute(sql: "UPDATE host SET epoch = epoch + 1")
        try db.execute(sql: "UPDATE host SET checksum = \(Sums.host)")
        return (UInt64(clamping: epoch + 1), UInt64(clamping: last))
    }

    static func oldest(_ db: Database, last: Int64) throws -> UInt64 {
        UInt64(clamping: try Int64.fetchOne(db, sql: "SELECT min(seq) FROM event") ?? last + 1)
    }

    static func contents(_ db: Database) throws -> JournalContents {
        var contents = JournalContents()
        let containers = try Row.fetchCursor(
            db, sql: "SELECT id, record, checksum IS \(Sums.container) FROM container ORDER BY id")
        while let row = try containers.next() {
            let text: String = row[0]
            guard let id = ContainerID(text) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(text) is no container id")
            }
            guard row[2] else {
                contents.damaged.append(id)
                continue
            }
            let record: Data = row[1]
            contents.containers.append((id, Array(record)))
        }
        let requests = try Row.fetchCursor(
            db,
            sql: """
                SELECT principal, id, digest, method, second, answer IS NOT NULL, checksum IS \(Sums.request)
                FROM request ORDER BY number
                """)
        while let row = try requests.next() {
            let digest: Data = row[2]
            let isWhole: Bool = row[6]
            if !isWhole { contents.damagedRequests += 1 }
            contents.requests.append(
                StoredRequest(
                    key: RequestKey(principal: row[0], id: row[1]), digest: ContentDigest(bytes: Array(digest)),
                    // What may have been carried out is not carried out again: its answer is that it is damaged.
                    method: row[3], second: row[4], isAnswered: row[5] || !isWhole))
        }
        return contents
    }

    // MARK: Writing

    static func write(_ entry: JournalEntry, _ db: Database) throws {
        if !entry.events.isEmpty { try insert(entry.events, db) }
        for (id, description) in entry.descriptions {
            var row = RowWriter(
                try db.cachedStatement(
                    sql: "INSERT OR REPLACE INTO description (id, body, checksum) VALUES (?, ?, ?)"))
            try row.bind(id.rawValue)
            try row.bind(description)
            try row.write()
        }
        for (id, record) in entry.containers {
            if let record {
                var row = RowWriter(
                    try db.cachedStatement(
                        sql: "INSERT OR REPLACE INTO container (id, record, checksum) VALUES (?, ?, ?)"))
                try row.bind(id.rawValue)
                try row.bind(record)
                try row.write()
            } else {
                for table in ["container", "description"] {
                    try db.cachedStatement(sql: "DELETE FROM \(table) WHERE id = ?").execute(arguments: [id.rawValue])
                }
            }
        }
        for change in entry.requests { try write(change, db) }
    }

    private static func insert(_ events: [RecordedEvent], _ db: Database) throws {
        var row = RowWriter(
            try db.cachedStatement(
                sql: "INSERT INTO event (seq, kind, id, second, body, checksum) VALUES (?, ?, ?, ?, ?, ?)"))
        for event in events {
            try row.bind(Int64(clamping: event.seq))
            try row.bind(event.kind.rawValue)
            try row.bind(event.id?.rawValue)
            try row.bind(event.second)
            try row.bind(event.body)
            try row.write()
        }
        guard let last = events.last else { return }
        try db.cachedStatement(sql: "UPDATE host SET last_seq = ?1, checksum = checksum(epoch, ?1)")
            .execute(arguments: [Int64(clamping: last.seq)])
    }

    private static func write(_ change: RequestChange, _ db: Database) throws {
        switch change {
        case .began(let request):
            try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO request (principal, id, digest, method, second, checksum)
                    VALUES (?1, ?2, ?3, ?4, ?5, checksum(?1, ?2, ?3, ?4, ?5))
                    """
            ).execute(
                arguments: [
                    request.key.principal, request.key.id, Data(request.digest.bytes), request.method, request.second,
                ])
        case .answered(let key, let answer):
            try db.cachedStatement(
                sql: """
                    UPDATE request SET is_failure = ?3, answer = ?4, answer_checksum = checksum(?1, ?2, ?3, ?4)
                    WHERE principal = ?1 AND id = ?2
                    """
            ).execute(arguments: [key.principal, key.id, answer.isFailure, Data(answer.body)])
        case .forgotten(let key):
            try db.cachedStatement(sql: "DELETE FROM request WHERE principal = ? AND id = ?")
                .execute(arguments: [key.principal, key.id])
        }
    }

    /// The most events that are removed at a time, so that no commit waits for long.
    private static let trimSize: Int64 = 10_000

    /// Removes the events that are over the retention, or the oldest of them where they are many.
    /// - Returns: the number of the oldest event that is left, and whether none is left that is to go.
    static func trim(
        _ retention: EventRetention, now: Int64, _ db: Database
    ) throws -> (oldest: UInt64, isDone: Bool) {
        let last = try Int64.fetchOne(db, sql: "SELECT last_seq FROM host") ?? 0
        let bound = Int64(clamping: try oldest(db, last: last)) + trimSize
        try db.execute(
            sql: "DELETE FROM event WHERE seq <= ? AND seq < ?", arguments: [last - Int64(retention.count), bound])
        // From the oldest up to the first that is young enough: with a clock that was set back an old time may stand
        // behind younger ones, and no gap may come of that.
        try db.execute(
            sql: """
                DELETE FROM event WHERE seq <
                    coalesce((SELECT seq FROM event WHERE second >= ?1 AND seq < ?2 ORDER BY seq LIMIT 1), ?2)
                """,
            arguments: [now - retention.seconds, min(last + 1, bound)])
        let oldest = try oldest(db, last: last)
        return (oldest, oldest < UInt64(clamping: bound))
    }
}
