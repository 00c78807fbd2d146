import ContainerModel
import ContainerProtocol
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// Output whose file cannot be written, or read, for a while.
final class OutputStoreTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)")
    private let lines = LogLines()
    private let store: OutputStore
    private let record: ContainerRecord

    init() throws {
        record = ContainerRecord(id: try #require(ContainerID("box")), createdAt: .epoch)
        let lines = lines
        store = OutputStore(stateDirectory: folder.path, logger: Logger(label: "test") { _ in lines.handler })
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private var path: String { SpoolFolder(stateDirectory: folder.path).file(1, .initial, of: record) }

    private func spool(limit: Int = 1 << 16) -> OutputSpool {
        OutputSpool(limit: limit, hasTerminal: true, file: store.file(1, .initial, of: record, limit: limit)) {}
    }

    private func write(_ text: String, to spool: OutputSpool) {
        Array(text.utf8).withUnsafeBytes { spool.write(.stdout, $0) }
    }

    private func text(_ spool: OutputSpool) -> String {
        String(decoding: spool.read(from: 0, limit: .max).chunks.flatMap(\.data), as: UTF8.self)
    }

    /// What the next worker finds.
    private func next(limit: Int = 1 << 16) -> OutputSpool {
        let next = spool(limit: limit)
        next.load()
        return next
    }

    /// From now on, writing to the file fails as on a full disk; what it held is where this says.
    private func fill() throws -> String {
        let aside = folder.appendingPathComponent("aside").path
        if FileManager.default.fileExists(atPath: path) {
            try FileManager.default.moveItem(atPath: path, toPath: aside)
        }
        try StateDirectory.makeFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
        // Nor may there be another one.
        try StateDirectory.makeFolder(path + ".new")
        return aside
    }

    /// There is room again.
    private func free(_ aside: String) throws {
        try FileManager.default.removeItem(atPath: path)
        if FileManager.default.fileExists(atPath: aside) {
            try FileManager.default.moveItem(atPath: aside, toPath: path)
        }
        try? FileManager.default.removeItem(atPath: path + ".new")
    }

    @Test func theNextWorkerHasWhatWasWrittenWhileTheDiskWasFull() throws {
        let first = spool()
        write("before ", to: first)
        let aside = try fill()
        write("while ", to: first)
        #expect(text(first) == "before while ", "it is served from memory")
        let trouble = try #require(store.trouble)
        #expect(trouble.contains("one process") && trouble.contains("No space left"))
        write("and ", to: first)
        store.catchUp()
        #expect(store.trouble != nil)
        try free(aside)
        write("after", to: first)
        #expect(text(next()) == "before ", "one record alone would leave a gap")
        store.catchUp()
        #expect(store.trouble == nil)
        #expect(text(next()) == "before while and after")
        write("!", to: first)
        #expect(text(next()) == "before while and after!")
        #expect(lines.all.map(\.level) == [.error, .notice], "one line when it begins and one when it ends")
    }

    @Test func aFirstWriteThatFailsIsMadeGood() throws {
        let aside = try fill()
        let first = spool()
        write("only", to: first)
        first.endAll()
        try free(aside)
        store.catchUp()
        #expect(text(next()) == "only" && next().read(from: 0, limit: .max).isEnd)
    }

    @Test func aRecordThatWasWrittenInPartHidesNothing() throws {
        let first = spool()
        write("one ", to: first)
        let aside = try fill()
        write("two ", to: first)
        try free(aside)
        let torn = SpoolContents.header(end: 4).prefix(9)
        try StateDirectory.write(Array(torn), to: path, for: .appending)
        store.catchUp()
        write("three", to: first)
        #expect(text(next()) == "one two three")
    }

    @Test func whatIsNotInMemoryAnyMoreIsAGapAndOffsetsGoOn() throws {
        let first = spool(limit: 100)
        write(String(repeating: "a", count: 50), to: first)
        let aside = try fill()
        for _ in 0..<10 { write(String(repeating: "b", count: 100), to: first) }
        try free(aside)
        store.catchUp()
        let (mine, theirs) = (first.read(from: 50, limit: .max), next(limit: 100).read(from: 50, limit: .max))
        #expect(theirs.chunks == mine.chunks && theirs.next == 1050)
        #expect(try #require(theirs.chunks.first).dropped > 0)
    }

    @Test func aWorkerThatDiesMeanwhileTakesNoOffsetBack() throws {
        let first = spool()
        write("kept", to: first)
        // The file itself is there, and takes nothing more: a folder stands in the way of every record.
        let aside = try fill()
        write("memory only", to: first)
        try free(aside)
        write("!", to: first)
        let second = next()
        #expect(second.endOffset == 16)
        let page = second.read(from: 0, limit: .max)
        #expect(page.chunks.map(\.dropped) == [0, 12] && page.next == 16, "what is lost is said")
        write("more", to: second)
        let rest = next().read(from: 4, limit: .max)
        #expect(rest.chunks.map(\.dropped) == [12] && rest.chunks.map(\.offset) == [16])
        #expect(rest.next == 20)
    }

    @Test func oneThatCannotBeWrittenKeepsNoOtherBack() throws {
        let (first, stuck) = (
            spool(),
            OutputSpool(
                limit: 100, hasTerminal: true, file: SpoolFile(path: "/dev/null/nowhere", limit: 100, store: store)
            ) {}
        )
        write("stuck", to: stuck)
        let aside = try fill()
        write("text", to: first)
        #expect(store.trouble?.contains("2 processes") == true)
        try free(aside)
        for _ in 0..<2 { store.catchUp() }
        #expect(text(next()) == "text")
        #expect(store.trouble?.contains("one process") == true)
        stuck.removeFile()
        store.catchUp()
        #expect(store.trouble == nil, "output that was given up is no trouble")
    }

    @Test func itIsTriedAgainUnasked() async throws {
        let first = spool()
        let aside = try fill()
        write("text", to: first)
        try free(aside)
        await lines.until { $0.level == .notice }
        #expect(text(next()) == "text")
    }

    @Test func aFileThatCannotBeReadNowIsNotBegunAnew() throws {
        write("before ", to: spool())
        let aside = folder.appendingPathComponent("aside").path
        try FileManager.default.moveItem(atPath: path, toPath: aside)
        try StateDirectory.makeFolder(path)
        let second = next()
        #expect(store.trouble != nil)
        write("after", to: second)
        second.endAll()
        let page = second.read(from: 0, limit: .max)
        #expect(page.chunks.isEmpty && !page.isEnd, "no offset is known yet")
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: aside, toPath: path)
        store.catchUp()
        #expect(text(second) == "before after" && second.read(from: 0, limit: .max).isEnd)
        #expect(text(next()) == "before after")
    }

    @Test func damageIsSaidAndCountsAsDropped() throws {
        let first = spool()
        write("one ", to: first)
        first.watch(true)
        write("two", to: first)
        var bytes = try #require(try StateDirectory.read(path))
        bytes[bytes.count - 1] ^= 1
        try StateDirectory.write(bytes, to: path, for: .writingAnew)
        let page = next().read(from: 0, limit: .max)
        #expect(page.chunks.map(\.dropped) == [0, 3] && page.next == 7)
        #expect(lines.all.contains { $0.level == .error && $0.text.contains("damaged") })
        #expect(next().endOffset == 7, "it was written anew, with the gap")
    }
}
