import ContainerModel
import ContainerProtocol
import Foundation
import TestSupport
import Testing

@testable import Worker

/// Output that is kept in a file: what the next worker finds.
struct SpoolFileTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("spool-\(UUID().uuidString)")

    private var path: String { folder.appendingPathComponent("c-x/p-init").path }

    private func spool(limit: Int = 1 << 16) -> OutputSpool {
        OutputSpool(limit: limit, hasTerminal: false, file: SpoolFile(path: path, limit: limit)) {}
    }

    private func write(_ text: String, to spool: OutputSpool, _ stream: ContainerModel.OutputStream = .stdout) {
        Array(text.utf8).withUnsafeBytes { spool.write(stream, $0) }
    }

    private func text(_ spool: OutputSpool, from offset: UInt64 = 0) -> String {
        let page = spool.read(from: offset, limit: .max)
        return page.chunks.map { "\($0.stream)@\($0.offset):\(String(decoding: $0.data, as: UTF8.self))" }
            .joined(separator: " ")
    }

    @Test func theNextWorkerHasWhatWasWrittenAndGoesOnBehindIt() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = spool()
        write("one ", to: first)
        write("two", to: first, .stderr)
        first.end(.stderr)
        let second = spool()
        second.load()
        #expect(text(second) == text(first))
        #expect(second.read(from: 0, limit: .max).ended == [.stderr])
        write("three", to: second)
        let third = spool()
        third.load()
        #expect(text(third) == "stdout@0:one  stderr@4:two stdout@7:three")
        #expect(third.endOffset == 12)
    }

    /// The second worker after it saw the gap, and not that nobody knows how much is missing.
    @Test func anUnknownLossIsKeptAtItsPlace() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = spool()
        write("one", to: first)
        let second = spool()
        second.load()
        second.lose(.stdout)
        second.lose(.stderr)
        let third = spool()
        third.load()
        third.lose(.stderr)
        #expect(third.endOffset == 5, "the loss that goes on is no new one")
        write("two", to: third)
        let fourth = spool()
        fourth.load()
        for spool in [third, fourth] {
            let page = spool.read(from: 0, limit: .max)
            #expect(page.chunks.map(\.offset) == [0, 5])
            #expect(page.chunks.map(\.dropped) == [0, 2] && page.chunks.map(\.isLossUnknown) == [false, true])
            #expect(page.next == 8 && !page.isEnd)
            #expect(spool.read(from: 5, limit: .max).chunks.map(\.isLossUnknown) == [false], "it is reported once")
        }
        fourth.lose(.stdout)
        let fifth = spool()
        fifth.load()
        #expect(fifth.read(from: 8, limit: .max).chunks.map(\.isLossUnknown) == [true], "this one is another")
    }

    @Test func anUnknownLossWithoutAnyOutputIsKept() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = spool()
        first.lose(.stdout)
        let second = spool()
        second.load()
        let chunks = second.read(from: 0, limit: .max).chunks
        #expect(chunks.map(\.dropped) == [1] && chunks.map(\.isLossUnknown) == [true])
    }

    @Test func aRecordThatWasCutOffIsLeftAside() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = spool()
        write("whole", to: first)
        write("cut off", to: first, .stderr)
        let bytes = try #require(FileManager.default.contents(atPath: path))
        for length in [bytes.count - 1, bytes.count - 7, bytes.count - 12] {
            try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
            let next = spool()
            next.load()
            #expect(text(next) == "stdout@0:whole")
            write("!", to: next)
            let last = spool()
            last.load()
            #expect(text(last) == "stdout@0:whole!", "what follows is not hidden by it")
        }
    }

    @Test func theFileStaysBoundedAndKeepsTheNewest() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let limit = 1 << 16
        let first = spool(limit: limit)
        let line = String(repeating: "x", count: 1023) + "\n"
        for _ in 0..<1000 { write(line, to: first) }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        #expect(try #require(size) < 4 * limit)
        let next = spool(limit: limit)
        next.load()
        #expect(next.endOffset == first.endOffset)
        #expect(text(next) == text(first))
    }

    @Test func anotherProcessOfTheNameBeginsAnew() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        write("old", to: spool())
        let silent = spool()
        let next = spool()
        write("new", to: next)
        let last = spool()
        last.load()
        #expect(text(last) == "stdout@0:new")
        withExtendedLifetime(silent) {}
    }

    @Test func aFileOfSomethingElseIsNoOutput() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        for bytes in [[], [1], [9, 9, 9], [UInt8](repeating: 0xFF, count: 4096)] as [[UInt8]] {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let next = spool()
            next.load()
            #expect(next.endOffset == 0)
        }
    }

    @Test func namesThatDifferInCaseOnlyHaveFilesOfTheirOwn() throws {
        let folder = SpoolFolder(stateDirectory: "/state")
        let (small, large) = (try #require(ContainerID("web")), try #require(ContainerID("Web")))
        let one = folder.folder(of: ContainerRecord(id: small, createdAt: .epoch)).path
        let other = folder.folder(of: ContainerRecord(id: large, createdAt: .epoch)).path
        #expect(one.lowercased() != other.lowercased())
        let later = ContainerRecord(id: small, createdAt: .now)
        #expect(folder.folder(of: later).path != one, "another life, another folder")
    }

    @Test func othersMayNotReadIt() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        write("secret", to: spool())
        for (path, mode) in [(path, 0o600), (folder.appendingPathComponent("c-x").path, 0o700)] {
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == mode)
        }
    }

    /// A long output goes through two files, and the next worker has as much of it as this one.
    @Test func aFullFileBecomesTheOlderOne() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = OutputSpool(limit: 10_000, hasTerminal: false, file: SpoolFile(path: path, limit: 10_000)) {}
        for number in 0..<500 { write(String(repeating: "\(number % 10)", count: 100), to: first) }
        #expect(FileManager.default.fileExists(atPath: path + ".old"))
        let next = OutputSpool(limit: 10_000, hasTerminal: false, file: SpoolFile(path: path, limit: 10_000)) {}
        next.load()
        let (before, after) = (first.read(from: 0, limit: .max), next.read(from: 0, limit: .max))
        #expect(after.next == before.next && after.next == 50_000)
        #expect(after.chunks.flatMap(\.data).suffix(8000) == before.chunks.flatMap(\.data).suffix(8000))
        write("!", to: next)
        let last = OutputSpool(limit: 10_000, hasTerminal: false, file: SpoolFile(path: path, limit: 10_000)) {}
        last.load()
        #expect(last.read(from: 49_999, limit: .max).chunks.flatMap(\.data) == Array("9!".utf8))
        last.removeFile()
        #expect(!FileManager.default.fileExists(atPath: path + ".old"))
    }

    /// A worker that ended while it wrote everything anew has left both.
    @Test func anOlderFileThatIsContainedIsLeftAside() throws {
        let chunks = [
            OutputSpool.Chunk(stream: .stdout, offset: 0, data: [1, 2]), .init(stream: .stdout, offset: 2, data: [3]),
        ]
        let older = SpoolContents(SpoolContents([chunks[0]], ended: [], end: 2).encoded)
        let newer = SpoolContents(SpoolContents([chunks[1]], ended: [.stdout], end: 3).encoded)
        let whole = SpoolContents(SpoolContents(chunks, ended: [.stdout], end: 3).encoded)
        #expect(newer.behind(older).chunks == chunks && newer.behind(older).end == 3 && newer.behind(older).isWhole)
        #expect(whole.behind(older).chunks == chunks && whole.behind(older).isWhole)
    }
}
