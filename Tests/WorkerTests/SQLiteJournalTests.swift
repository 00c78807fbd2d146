import ContainerModel
import ContainerProtocol
import Foundation
import GRDB
import MessagePack
import Synchronization
import Testing

@testable import Worker

/// What the journal keeps over starts of the worker, and what it does when it cannot.
struct SQLiteJournalTests {
    private func id(_ text: String) throws -> ContainerID { try #require(ContainerID(text)) }

    private func request(_ id: String, _ principal: String = "") -> StoredRequest {
        StoredRequest(
            key: RequestKey(principal: principal, id: id), digest: ContentDigest("exec", ["id": .string(id)]),
            method: "exec", second: 7)
    }

    // MARK: Over starts

    @Test func numbersGoOnAndEveryStartIsAnEpoch() throws {
        let journal = try TestJournal()
        try journal.start()
        #expect(try journal.look { [$0.epoch, $0.lastSequence, $0.oldestSequence] } == [1, 0, 1])
        try journal.keep((1...3).map { .numbered($0) })
        #expect(try journal.look { $0.lastSequence } == 3)
        try journal.start()
        #expect(try journal.look { [$0.epoch, $0.lastSequence, $0.oldestSequence] } == [2, 3, 1])
        try journal.keep([.numbered(4)])
        try journal.start()
        #expect(try journal.look { [$0.epoch, $0.lastSequence] } == [3, 4])
        #expect(try journal.read() == [1, 2, 3, 4])
    }

    @Test func recordsAndRequestsAreThereAtTheNextStart() throws {
        let journal = try TestJournal()
        #expect(try journal.start().containers.isEmpty)
        let (one, two, three) = (try id("one"), try id("two"), try id("three"))
        var entry = JournalEntry(containers: [one: [1], two: [2], three: [3]])
        entry.requests = [.began(request("running")), .began(request("answered")), .began(request("forgotten"))]
        try journal.keep(entry)
        try journal.keep(
            JournalEntry(
                containers: [two: [UInt8]?.none, three: [4]],
                requests: [
                    .answered(request("answered").key, StoredAnswer(isFailure: true, body: [9])),
                    .forgotten(request("forgotten").key),
                ]))
        let contents = try journal.start()
        #expect(contents.containers.map(\.id) == [one, three])
        #expect(contents.containers.map(\.record) == [[1], [4]])
        #expect(contents.requests.map(\.key.id) == ["running", "answered"])
        #expect(contents.requests.map(\.isAnswered) == [false, true])
        #expect(contents.requests.map(\.digest) == [request("running").digest, request("answered").digest])
        #expect(contents.requests.allSatisfy { $0.method == "exec" && $0.second == 7 })
    }

    @Test func answersAreTheirPrincipalsOwn() throws {
        let journal = try TestJournal()
        try journal.start()
        let (mine, yours) = (request("r", "me"), request("r", "you"))
        try journal.keep(
            JournalEntry(requests: [
                .began(mine), .began(yours), .answered(mine.key, StoredAnswer(isFailure: false, body: [1, 2])),
            ]))
        try journal.start()
        let answer = try #require(try journal.answer(to: mine.key))
        #expect(!answer.isFailure && answer.body == [1, 2])
        #expect(try journal.answer(to: yours.key) == nil, "it runs")
        #expect(try journal.answer(to: RequestKey(principal: "", id: "r")) == nil)
        // Begun anew, it has no answer any more.
        try journal.keep(JournalEntry(requests: [.forgotten(mine.key), .began(mine)]))
        #expect(try journal.answer(to: mine.key) == nil)
    }

    // MARK: Reading

    @Test func queriesFindWhatTheyAskFor() throws {
        let journal = try TestJournal()
        try journal.start()
        #expect(try journal.read() == [])
        try journal.keep([
            .numbered(1, .workerStart), .numbered(2, .create, "a"), .numbered(3, .create, "b"),
            .numbered(4, .exit, "a"), .numbered(5, .exit, "b"), .numbered(6, .execExit, "a"),
        ])
        #expect(try journal.read(after: 4) == [5, 6])
        #expect(try journal.read(after: 6) == [])
        #expect(try journal.read(after: .max) == [])
        #expect(try journal.read(limit: 2) == [1, 2])
        #expect(try journal.read(kinds: ["exit", "create"]) == [2, 3, 4, 5])
        #expect(try journal.read(ids: ["a"]) == [2, 4, 6])
        #expect(try journal.read(after: 2, limit: 1, kinds: ["exit"], ids: ["a", "b"]) == [4])
        #expect(try journal.read(kinds: []) == [])
        #expect(try journal.read(ids: []) == [])
        // There may be more ids than a statement may have arguments.
        #expect(try journal.read(ids: (0..<40_000).map { "c\($0)" } + ["b"]) == [3, 5])
    }

    @Test func aPageEndsWhereItsBytesAreUsedUp() throws {
        let journal = try TestJournal()
        try journal.start()
        try journal.keep((1...10).map { .numbered($0, bytes: 100) })
        #expect(try journal.read(bytes: 250) == [1, 2, 3], "it goes beyond by less than one event")
        #expect(try journal.read(bytes: 1) == [1], "one at least, or nobody would get on")
    }

    // MARK: Retention

    @Test func theOldestGoWhereThereAreTooMany() throws {
        let journal = try TestJournal()
        try journal.start(events: 10)
        for number in UInt64(1)...25 { try journal.keep([.numbered(number)]) }
        #expect(try journal.look { [$0.oldestSequence, $0.lastSequence] } == [16, 25])
        #expect(try journal.read() == Array(16...25))
        try journal.start(events: 10)
        #expect(try journal.look { [$0.oldestSequence, $0.lastSequence] } == [16, 25])
    }

    @Test func manyThatGoAtOnceGoAFewAtATime() throws {
        let journal = try TestJournal()
        try journal.start()
        try journal.keep((1...25_000).map { .numbered($0) })
        try journal.start(events: 100)
        #expect(try journal.look { $0.oldestSequence } == 10_001, "a start waits for no more")
        // The next trim is due after ten events, and goes on with every commit until it is done.
        try journal.keep((25_001...25_010).map { .numbered($0) })
        #expect(try journal.look { $0.oldestSequence } == 20_001)
        try journal.keep([.numbered(25_011)])
        #expect(try journal.look { $0.oldestSequence } == 24_912)
        #expect(try journal.read(limit: 1) == [24_912])
    }

    @Test func theOldestGoWhenTheirTimeIsOver() throws {
        let journal = try TestJournal()
        try journal.start(events: 10, age: .seconds(1000))
        let now = Timestamp.now.seconds
        try journal.keep([.numbered(1, second: now - 2000), .numbered(2, second: now - 1500)])
        #expect(try journal.look { $0.oldestSequence } == 3, "one more than the newest, where there is none")
        #expect(try journal.read() == [])
        try journal.keep([.numbered(3, second: now - 2000), .numbered(4, second: now), .numbered(5, second: now)])
        #expect(try journal.look { [$0.oldestSequence, $0.lastSequence] } == [4, 5])
        #expect(try journal.read() == [4, 5])
    }

    @Test func aClockThatIsSetBackLeavesNoGap() throws {
        let journal = try TestJournal()
        try journal.start(events: 10, age: .seconds(1000))
        let now = Timestamp.now.seconds
        try journal.keep([
            .numbered(1, second: now - 2000), .numbered(2, second: now + 5000), .numbered(3, second: now - 2000),
            .numbered(4, second: now),
        ])
        #expect(try journal.look { $0.oldestSequence } == 2)
        #expect(try journal.read() == [2, 3, 4])
    }

    @Test func numbersAreNotUsedAgainWhereNoEventIsLeft() throws {
        let journal = try TestJournal()
        try journal.start(events: 10, age: .seconds(1000))
        try journal.keep([.numbered(1, second: 0)])
        try journal.start(events: 10, age: .seconds(1000))
        #expect(try journal.look { [$0.oldestSequence, $0.lastSequence] } == [2, 1])
    }

    // MARK: What cannot be written

    private static let jam = "CREATE TRIGGER jam BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'no room'); END"

    @Test func nothingIsConfirmedWhileNothingCanBeKept() throws {
        let journal = try TestJournal()
        try journal.start()
        try journal.keep([.numbered(1)])
        try journal.tamper(SQLiteJournalTests.jam)
        let order = Mutex<[Int]>([])
        let (name, all) = (try id("one"), DispatchSemaphore(value: 0))
        for number in 2...4 {
            // The record would stand without its event if they were not one.
            let entry = JournalEntry(events: [.numbered(UInt64(number))], containers: [name: [UInt8(number)]])
            try journal.append(entry) {
                order.withLock { $0.append(number) }
                if number == 4 { all.signal() }
            }
        }
        journal.complained()
        #expect(try journal.look { $0.trouble }?.contains("no room") == true)
        #expect(try journal.look { $0.lastSequence } == 1)
        #expect(order.withLock { $0 } == [])
        #expect(try journal.read() == [1], "what is kept can be read")
        try journal.tamper("DROP TRIGGER jam")
        #expect(all.wait(timeout: .now() + 30) == .success)
        #expect(order.withLock { $0 } == [2, 3, 4])
        #expect(try journal.look { $0.trouble } == nil)
        #expect(try journal.read() == [1, 2, 3, 4])
        #expect(try journal.start().containers.map(\.record) == [[4]])
    }

    @Test func whatCouldNotBeKeptIsNotThereAtTheNextStart() throws {
        let journal = try TestJournal()
        try journal.start()
        try journal.tamper(SQLiteJournalTests.jam)
        let name = try id("one")
        try journal.append(JournalEntry(events: [.numbered(1)], containers: [name: [1]])) {
            Issue.record("it cannot be kept")
        }
        journal.complained()
        journal.close()
        try journal.tamper("DROP TRIGGER jam")
        #expect(try journal.start().containers.isEmpty, "all of an entry or nothing")
        #expect(try journal.look { $0.lastSequence } == 0)
    }

    // MARK: What is no journal

    /// What opening it says; the file must be as it was.
    private func refusal(_ journal: TestJournal) throws -> String {
        let before = try Data(contentsOf: journal.file)
        let error = try #require(throws: SQLiteJournal.Unusable.self) { try journal.start() }
        #expect(try Data(contentsOf: journal.file) == before, "it is left as it is")
        #expect(error.description.contains(journal.file.path))
        return error.description
    }

    @Test func garbageIsNotBegunAnew() throws {
        let journal = try TestJournal()
        try Data(repeating: 0x5a, count: 20_000).write(to: journal.file)
        #expect(try refusal(journal).contains("move it away"))
    }

    @Test func damageIsFoundAtTheStart() throws {
        let journal = try TestJournal()
        try journal.start()
        try journal.keep((1...2000).map { .numbered($0, bytes: 200) })
        journal.close()
        let handle = try FileHandle(forUpdating: journal.file)
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: size / 2)
        try handle.write(contentsOf: Data(repeating: 0xff, count: 8192))
        try handle.close()
        let text = try refusal(journal)
        #expect(text.contains("damaged") && text.contains(".recover"))
    }

    @Test func aDatabaseOfSomebodyElseIsLeftAlone() throws {
        let journal = try TestJournal()
        try journal.tamper("CREATE TABLE notes (text TEXT)")
        #expect(try refusal(journal).contains("no journal of a worker"))
    }

    @Test func aJournalOfALaterVersionIsLeftAlone() throws {
        let journal = try TestJournal()
        try journal.start()
        journal.close()
        try journal.tamper("INSERT INTO grdb_migrations VALUES ('999')")
        #expect(try refusal(journal).contains("later version"))
    }

    @Test func aSecondWorkerIsKeptOut() throws {
        let journal = try TestJournal()
        try journal.start()
        let error = try #require(throws: SQLiteJournal.Unusable.self) { _ = try StateLock(journal.folder) }
        #expect(error.description.contains(journal.folder.path) && error.description.contains("--state-dir"))
        journal.close()
        try StateLock(journal.folder).release()
        try journal.start()
    }
}
