import ContainerModel
import ContainerProtocol
import Foundation
import GRDB
import Testing

@testable import Worker

/// A journal that was damaged: what is said, what is refused, and what is not taken for data.
struct JournalDamageTests {
    private let key = RequestKey(principal: "", id: "once")

    /// A journal with three containers, an answered request and nine events.
    private func journal() throws -> TestJournal {
        let journal = try TestJournal()
        try journal.start()
        try fill(journal)
        return journal
    }

    private func fill(_ journal: TestJournal) throws {
        var entry = JournalEntry(events: (1...9).map { .numbered($0, .exit, "c\($0)", bytes: 40) })
        for name in ["one", "two", "three"] {
            entry.containers[try #require(ContainerID(name))] = Array("record of \(name)".utf8)
        }
        let request = StoredRequest(key: key, digest: ContentDigest("exec", [:]), method: "exec", second: 7)
        entry.requests = [.began(request), .answered(key, StoredAnswer(isFailure: false, body: Array("answer".utf8)))]
        try journal.keep(entry)
    }

    private func query(_ kinds: Set<String>? = nil, after: UInt64 = 0) -> EventQuery {
        EventQuery(after: after, limit: 1000, bytes: 1 << 20, kinds: kinds, ids: nil)
    }

    private func numbers(_ found: FoundEvents?) -> [UInt64]? {
        found?.bodies.map { $0.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
    }

    // MARK: Rows

    @Test func aDamagedRecordIsNoContainer() throws {
        let journal = try journal()
        try journal.tamper("UPDATE container SET record = CAST('record of 2wo' AS BLOB) WHERE id = 'two'")
        let contents = try journal.start()
        #expect(contents.containers.map(\.id.rawValue) == ["one", "three"])
        #expect(contents.damaged.map(\.rawValue) == ["two"])
        #expect(try journal.look { $0.damage }?.contains("two") == true)
        journal.complained()
    }

    @Test(arguments: [nil, ["exit"], ["create"]] as [Set<String>?])
    func aDamagedEventIsNamed(kinds: Set<String>?) throws {
        let journal = try journal()
        try journal.tamper("UPDATE event SET body = zeroblob(40) WHERE seq = 4")
        let found = try journal.find(query(kinds))
        #expect(found?.damaged == 4)
        #expect(numbers(found) == (kinds == ["create"] ? [] : [1, 2, 3]))
        #expect(try journal.find(query(kinds, after: 4))?.damaged == nil, "what follows can be read")
        #expect(try journal.look { $0.damage } == "event 4 is damaged")
    }

    @Test func noFilterHidesADamagedEvent() throws {
        let journal = try journal()
        try journal.tamper("UPDATE event SET kind = 'exiu' WHERE seq = 4")
        #expect(try journal.find(query(["exit"]))?.damaged == 4)
    }

    @Test func anEventThatIsMissingIsNamed() throws {
        let journal = try journal()
        try journal.tamper("DELETE FROM event WHERE seq = 4")
        let found = try journal.find(query())
        #expect(found?.damaged == 4 && numbers(found) == [1, 2, 3])
    }

    @Test func aDamagedAnswerIsNotRepeated() throws {
        let journal = try journal()
        try journal.tamper("UPDATE request SET answer = CAST('bnswer' AS BLOB)")
        let answer = try #require(try journal.answer(to: key))
        #expect(answer.isFailure && String(decoding: answer.body, as: UTF8.self).contains("data_loss"))
        #expect(try journal.look { $0.damage } == "the answer to a request is damaged")
    }

    @Test func aDamagedRequestIsNotMadeAgain() throws {
        let journal = try TestJournal()
        try journal.start()
        let request = StoredRequest(key: key, digest: ContentDigest("exec", [:]), method: "exec", second: 7)
        try journal.keep(JournalEntry(requests: [.began(request)]))
        try journal.tamper("UPDATE request SET method = 'exed'")
        let contents = try journal.start()
        #expect(contents.damagedRequests == 1 && contents.requests.map(\.isAnswered) == [true])
        #expect(try journal.answer(to: key)?.isFailure == true)
    }

    @Test(arguments: ["UPDATE host SET last_seq = 5", "UPDATE host SET epoch = 7"])
    func theHostsRowIsBelievedOnlyWhole(change: String) throws {
        let journal = try journal()
        journal.close()
        try journal.tamper(change)
        let error = try #require(throws: SQLiteJournal.Unusable.self) { try journal.start() }
        #expect(error.description.contains("host is damaged"))
    }

    @Test func aTableWithOtherColumnsIsRefused() throws {
        let journal = try journal()
        journal.close()
        try journal.tamper("ALTER TABLE event RENAME COLUMN checksum TO checksul")
        let error = try #require(throws: SQLiteJournal.Unusable.self) { try journal.start() }
        #expect(error.description.contains("event has other columns") && error.description.contains("restore it"))
    }

    @Test func eventsThatTheHostDoesNotKnowOfAreRefused() throws {
        let journal = try journal()
        journal.close()
        try journal.tamper("INSERT INTO event SELECT 12, kind, id, second, body, checksum FROM event WHERE seq = 9")
        let error = try #require(throws: SQLiteJournal.Unusable.self) { try journal.start() }
        #expect(error.description.contains("event 12"))
    }

    @Test func aJournalOfTheVersionBeforeIsTakenOver() throws {
        let journal = try journal()
        journal.close()
        try journal.tamper(
            """
            DELETE FROM grdb_migrations WHERE identifier = '2';
            ALTER TABLE host DROP COLUMN checksum; ALTER TABLE event DROP COLUMN checksum;
            ALTER TABLE container DROP COLUMN checksum; ALTER TABLE request DROP COLUMN checksum;
            ALTER TABLE request DROP COLUMN answer_checksum;
            """)
        let contents = try journal.start()
        #expect(contents.containers.count == 3 && contents.damaged.isEmpty && contents.damagedRequests == 0)
        #expect(try journal.read() == Array(1...9))
        #expect(try journal.answer(to: key)?.body == Array("answer".utf8))
        #expect(try journal.look { $0.damage } == nil)
    }

    // MARK: Files

    @Test func whatAKillLeavesIsTakenUp() throws {
        let killed = try journal().killed()
        #expect(try killed.start().containers.count == 3)
        #expect(try killed.look { $0.lastSequence } == 9)
    }

    @Test func aFlippedBitInTheLogIsRefusedAndChangesNothing() throws {
        let killed = try journal().killed()
        // In a page of the last commit but one, or of the last.
        try killed.change(killed.log) { $0[$0.count - 2 * 4096] ^= 1 }
        for _ in 1...2 {
            let error = try #require(throws: SQLiteJournal.Unusable.self) { try killed.start() }
            #expect(error.description.contains(killed.file.path) && error.description.contains("damaged"))
            #expect(error.description.contains("Restore it"))
        }
        // As the error says, what is not lost can be kept.
        try killed.tamper("PRAGMA user_version = 0")
        try FileManager.default.removeItem(at: killed.mark)
        try killed.start()
    }

    @Test func aLogThatIsCutIsRefused() throws {
        let killed = try journal().killed()
        try killed.change(killed.log) { $0.removeLast(4096 + 24) }
        let error = try #require(throws: SQLiteJournal.Unusable.self) { try killed.start() }
        #expect(error.description.contains("has lost the last"))
    }

    @Test(arguments: [["-wal"], ["-wal", "-shm"]])
    func aLogThatIsGoneIsRefused(suffixes: [String]) throws {
        let killed = try journal().killed()
        for suffix in suffixes { try FileManager.default.removeItem(atPath: killed.file.path + suffix) }
        for _ in 1...2 {
            let error = try #require(throws: SQLiteJournal.Unusable.self) { try killed.start() }
            #expect(error.description.contains(killed.mark.path))
        }
        try FileManager.default.removeItem(at: killed.mark)
        try killed.start()
    }

    @Test func afterALossOfPowerATornLogIsTakenUpAndSaid() throws {
        let killed = try journal().killed()
        let epoch = try #require(JournalMark(at: killed.mark.path)).epoch
        try JournalMark(epoch: epoch, boot: "another").write(to: killed.mark.path)
        try killed.change(killed.log) { $0.removeLast(4096 + 24) }
        try killed.start()
    }

    @Test func aJournalThatWasClosedHasNoMark() throws {
        let journal = try journal()
        #expect(FileManager.default.fileExists(atPath: journal.mark.path))
        journal.close()
        #expect(!FileManager.default.fileExists(atPath: journal.mark.path))
    }

    // MARK: Rights

    @Test func othersMayReadNothing() throws {
        let journal = try TestJournal()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: journal.folder.path)
        try StateDirectory.prepare(journal.folder.path)
        #expect(try mode(journal.folder.path) == 0o700)
        try journal.start()
        try fill(journal)
        let names = try FileManager.default.contentsOfDirectory(atPath: journal.folder.path)
        #expect(
            Set(names).isSuperset(of: ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "lock.sqlite"]))
        for name in names { #expect(try mode(journal.folder.appendingPathComponent(name).path) == 0o600, "\(name)") }
        journal.close()
        // One of an earlier version.
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: journal.file.path)
        try journal.start()
        #expect(try mode(journal.file.path) == 0o600)
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
}
