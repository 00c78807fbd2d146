import GRDB
import GRDBSQLite

/// Writes rows whose last value is the checksum of those before it, one after another with one statement.
///
/// It binds to SQLite directly and sums up on the way: GRDB's arguments, and a function that SQL calls, cost more than
/// all else about a row.
struct RowWriter {
    private let statement: Statement
    private var checksum = RowChecksum()
    private var index: Int32 = 0

    /// SQLite copies what it is given.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// Writes rows with `statement`, which has a `?` for every value and one more for the checksum.
    init(_ statement: Statement) {
        self.statement = statement
        sqlite3_reset(statement.sqliteStatement)
        // What is bound here is all that GRDB has to ask for.
        statement.setUncheckedArguments([])
    }

    mutating func bind(_ number: Int64) throws {
        checksum.add(number)
        try check(sqlite3_bind_int64(statement.sqliteStatement, next(), number))
    }

    mutating func bind(_ text: String?) throws {
        guard var text else {
            checksum.addNull()
            return try check(sqlite3_bind_null(statement.sqliteStatement, next()))
        }
        checksum.add(text)
        let index = next()
        try check(
            text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    sqlite3_bind_text(
                        statement.sqliteStatement, index, $0.baseAddress, Int32($0.count), RowWriter.copied)
                }
            })
    }

    mutating func bind(_ bytes: [UInt8]) throws {
        let index = next()
        try check(
            bytes.withUnsafeBytes { bytes in
                checksum.add(bytes)
                // SQLite takes no address for NULL, which an empty array may have.
                guard let start = bytes.baseAddress else {
                    return sqlite3_bind_zeroblob(statement.sqliteStatement, index, 0)
                }
                return sqlite3_bind_blob64(
                    statement.sqliteStatement, index, start, UInt64(bytes.count), RowWriter.copied)
            })
    }

    /// Writes the row and begins the next one.
    mutating func write() throws {
        try check(sqlite3_bind_int64(statement.sqliteStatement, next(), checksum.value))
        try statement.execute()
        sqlite3_reset(statement.sqliteStatement)
        checksum = RowChecksum()
        index = 0
    }

    private mutating func next() -> Int32 {
        index += 1
        return index
    }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
}
