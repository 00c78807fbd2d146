import ContainerModel
import ContainerProtocol
import Foundation
import GRDB

/// What is asked of the journal while the worker runs.
extension JournalTables {
    static func read(_ query: EventQuery, _ db: Database) throws -> FoundEvents {
        var filters: [String] = []
        var arguments: [(any DatabaseValueConvertible)?] = [Int64(clamping: query.after)]
        for (column, texts) in [("kind", query.kinds), ("id", query.ids.map { Set($0.map(\.rawValue)) })] {
            guard let texts else { continue }
            // As one text: there may be more ids than a statement may have arguments.
            let list = try JSONEncoder().encode(texts.sorted())
            filters.append("\(column) IN (SELECT value FROM json_each(?))")
            arguments.append(String(decoding: list, as: UTF8.self))
        }
        // One that is damaged may be any: no filter leaves it out.
        let wanted =
            filters.isEmpty ? "" : "AND (\(filters.joined(separator: " AND ")) OR checksum IS NOT \(Sums.event))"
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT seq, body, checksum IS \(Sums.event) FROM event WHERE seq > ? \(wanted) ORDER BY seq LIMIT ?
                """,
            arguments: StatementArguments(arguments + [query.limit]))
        let last = try Int64.fetchOne(db, sql: "SELECT last_seq FROM host") ?? 0
        var found = FoundEvents(bodies: [], oldest: try oldest(db, last: last))
        guard query.after < UInt64(clamping: last) else { return found }
        var next = max(query.after + 1, found.oldest)
        var left = query.bytes
        while left > 0, let row = try cursor.next() {
            let (seq, isWhole): (Int64, Bool) = (row[0], row[2])
            // Numbers have no gaps, but where a filter leaves some out.
            let isMissing = filters.isEmpty && UInt64(clamping: seq) != next
            guard isWhole, !isMissing else {
                found.damaged = isMissing ? next : UInt64(clamping: seq)
                return found
            }
            let body: Data = row[1]
            found.bodies.append(Array(body))
            left -= body.count
            next = UInt64(clamping: seq) + 1
        }
        return found
    }

    static func description(of id: ContainerID, _ db: Database) throws -> [UInt8]? {
        let body = try Data.fetchOne(
            db, sql: "SELECT body FROM description WHERE id = ? AND checksum IS checksum(id, body)",
            arguments: [id.rawValue])
        return body.map { Array($0) }
    }

    static func answer(to request: RequestKey, _ db: Database) throws -> StoredAnswer? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT is_failure, answer, checksum IS \(Sums.request) AND answer_checksum IS \(Sums.answer) FROM request
                WHERE principal = ? AND id = ? AND (answer IS NOT NULL OR checksum IS NOT \(Sums.request))
                """,
            arguments: [request.principal, request.id])
        return row.map { row in
            guard row[2] else { return .damaged(request) }
            let body: Data = row[1]
            return StoredAnswer(isFailure: row[0], body: Array(body))
        }
    }
}
