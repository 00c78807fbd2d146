import ContainerModel
import ContainerProtocol
import MessagePack
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// What a process wrote, and what is left of it.
struct OutputSpoolTests {
    private func spool(limit: Int, terminal: Bool = false, onChange: @escaping @Sendable () -> Void = {}) -> OutputSpool
    {
        OutputSpool(limit: limit, hasTerminal: terminal, onChange: onChange)
    }

    private func write(_ text: String, to spool: OutputSpool, _ stream: OutputStream = .stdout) {
        Array(text.utf8).withUnsafeBytes { spool.write(stream, $0) }
    }

    @Test func streamsShareOneOrder() {
        let spool = spool(limit: 1000)
        write("ab", to: spool)
        write("c", to: spool)
        write("X", to: spool, .stderr)
        write("d", to: spool)
        let page = spool.read(from: 0, limit: 100)
        #expect(page.chunks.map { String(decoding: $0.data, as: UTF8.self) } == ["abc", "X", "d"])
        #expect(page.chunks.map(\.offset) == [0, 3, 4] && page.chunks.map(\.stream) == [.stdout, .stderr, .stdout])
        #expect(page.next == 5 && !page.isEnd)
    }

    @Test func anyOffsetAndAnyLimit() {
        let spool = spool(limit: 1 << 20)
        let text = (0..<5000).map { "line \($0)\n" }.joined()
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) { write(line + "\n", to: spool) }
        spool.endAll()
        var read: [UInt8] = []
        var offset: UInt64 = 0
        while true {
            let page = spool.read(from: offset, limit: 777)
            read += page.chunks.flatMap(\.data)
            #expect(page.chunks.reduce(0) { $0 + $1.data.count } <= 777)
            offset = page.next
            if page.isEnd { break }
        }
        #expect(String(decoding: read, as: UTF8.self) == text + "\n")
        #expect(spool.read(from: 3, limit: 4).chunks.first?.data == Array(Array(text.utf8)[3..<7]))
        #expect(spool.read(from: .max, limit: 4).chunks.isEmpty)
    }

    /// One byte stands for what cannot be counted, so that a reader sees the gap and where it is.
    @Test func anUnknownLossIsSeen() {
        let spool = spool(limit: 1000)
        write("ab", to: spool)
        spool.lose(.stdout)
        let before = spool.read(from: 0, limit: 100)
        #expect(before.chunks.map(\.dropped) == [0, 1] && before.chunks.map(\.isLossUnknown) == [false, true])
        #expect(before.next == 3 && !before.isEnd)
        write("cd", to: spool)
        let page = spool.read(from: 2, limit: 100)
        #expect(page.chunks.map(\.data) == [Array("cd".utf8)])
        #expect(page.chunks.first?.dropped == 1 && page.chunks.first?.isLossUnknown == true)
        #expect(spool.read(from: 3, limit: 100).chunks.map(\.isLossUnknown) == [false])
    }

    @Test func aLossThatGoesOnIsOne() {
        let spool = spool(limit: 1000)
        spool.lose(.stdout)
        spool.lose(.stderr)
        write("x", to: spool, .stderr)
        spool.lose(.stdout)
        #expect(spool.endOffset == 3, "nothing has come of it since")
        spool.lose(.stderr)
        #expect(spool.endOffset == 4, "this one is another")
    }

    @Test func theOldestIsDroppedAndTheLossIsSeen() {
        let spool = spool(limit: 1000)
        for number in 0..<1000 { write("\(number % 10)", to: spool) }
        write(String(repeating: "y", count: 500), to: spool)
        let page = spool.read(from: 0, limit: 10_000)
        let kept = page.chunks.flatMap(\.data)
        #expect(kept.count <= 1000 && kept.count >= 750)
        #expect(page.chunks.first?.dropped == UInt64(1500 - kept.count))
        #expect(page.chunks.dropFirst().allSatisfy { $0.dropped == 0 })
        #expect(page.next == 1500)
    }

    @Test func oneWriteLargerThanTheLimitKeepsItsEnd() {
        let spool = spool(limit: 100)
        write(String(repeating: "a", count: 1000) + "end", to: spool)
        let kept = spool.read(from: 0, limit: 10_000).chunks.flatMap(\.data)
        #expect(kept.count <= 100 && String(decoding: kept, as: UTF8.self).hasSuffix("end"))
    }

    @Test func aTerminalEndsWithItsOneStream() {
        let pipes = spool(limit: 10)
        pipes.end(.stdout)
        #expect(!pipes.read(from: 0, limit: 1).isEnd)
        pipes.end(.stderr)
        #expect(pipes.read(from: 0, limit: 1).isEnd)
        let terminal = spool(limit: 10, terminal: true)
        terminal.end(.stdout)
        #expect(terminal.read(from: 0, limit: 1).isEnd)
    }

    @Test func whoeverWatchesIsToldOncePerRead() {
        let told = Atomic(0)
        let spool = spool(limit: 100) { told.add(1, ordering: .relaxed) }
        write("a", to: spool)
        #expect(told.load(ordering: .relaxed) == 0)
        spool.watch(true)
        write("b", to: spool)
        write("c", to: spool)
        #expect(told.load(ordering: .relaxed) == 1)
        _ = spool.read(from: 0, limit: 10)
        write("d", to: spool)
        #expect(told.load(ordering: .relaxed) == 2)
    }

    /// How often the driver was asked to go on.
    private final class Driver: Sendable {
        private let resumes = Mutex(0)
        var resumed: Int { resumes.withLock { $0 } }
        func write(_ text: String, to spool: OutputSpool) -> Bool {
            Array(text.utf8).withUnsafeBytes { spool.write(.stdout, $0) { self.resumes.withLock { $0 += 1 } } }
        }
    }

    @Test func heldOutputStopsTheDriverAndIsNotDropped() {
        let (spool, driver) = (spool(limit: 1000), Driver())
        spool.hold(from: 0)
        let piece = String(repeating: "x", count: 200)
        var written = 0
        while driver.write(piece, to: spool) { written += 1 }
        written += 1
        #expect(written <= 6 && driver.resumed == 0 && spool.isStopped)
        // What the driver has read already is kept too.
        #expect(!driver.write("late", to: spool))
        let page = spool.read(from: 0, limit: 10_000)
        #expect(page.next == UInt64(written * 200 + 4) && page.chunks.allSatisfy { $0.dropped == 0 })
        // Not before there is room for more than a write.
        spool.hold(from: 200)
        #expect(driver.resumed == 0)
        spool.hold(from: page.next)
        #expect(driver.resumed == 2 && !spool.isStopped)
        #expect(driver.write(piece, to: spool))
    }

    @Test func outputThatIsNotHeldAnyMoreIsDropped() {
        let (spool, driver) = (spool(limit: 1000), Driver())
        spool.hold(from: 0)
        while driver.write(String(repeating: "x", count: 300), to: spool) {}
        spool.hold(from: nil)
        #expect(driver.resumed == 1)
        for _ in 0..<20 where !driver.write(String(repeating: "y", count: 300), to: spool) { Issue.record("stopped") }
        #expect(spool.read(from: 0, limit: 10_000).chunks.first?.dropped ?? 0 > 0)
    }

    // MARK: Times and lines

    @Test func piecesSayWhenTheyWereWritten() throws {
        let seconds = Mutex<Int64>(0)
        let spool = OutputSpool(
            limit: 1000, hasTerminal: false,
            clock: { Timestamp(seconds: seconds.withLock { $0 }, nanoseconds: 0) ?? .epoch }, onChange: {})
        for (second, text) in [(10, "a\n"), (10, "b\n"), (20, "c\n"), (15, "d\n"), (30, "e\n")] {
            seconds.withLock { $0 = Int64(second) }
            write(text, to: spool)
        }
        let page = spool.read(from: 0, limit: 100, times: true)
        #expect(page.chunks.map { $0.time?.seconds } == [10, 20, 30])
        #expect(page.chunks.map { String(decoding: $0.data, as: UTF8.self) } == ["a\nb\n", "c\nd\n", "e\n"])
        #expect(spool.read(from: 5, limit: 3, times: true).chunks.map(\.data.count) == [3])
        func offset(_ second: Int64) throws -> UInt64 {
            spool.offset(of: try #require(Timestamp(seconds: second, nanoseconds: 0)))
        }
        #expect(try [5, 10, 11, 20, 21, 30, 31].map(offset) == [0, 0, 4, 4, 8, 8, 10])
        #expect([0, 1, 2, 5, 9].map { spool.offset(ofLast: $0) } == [10, 8, 6, 0, 0])
    }

    @Test func timesGoWithWhatTheyAreOf() throws {
        let seconds = Mutex<Int64>(0)
        let spool = OutputSpool(
            limit: 1000, hasTerminal: false,
            clock: { Timestamp(seconds: seconds.withLock { $0 }, nanoseconds: 0) ?? .epoch }, onChange: {})
        for second in 1...100 {
            seconds.withLock { $0 = Int64(second) }
            write(String(repeating: "x", count: 100), to: spool)
        }
        let page = spool.read(from: 0, limit: 1 << 20, times: true)
        #expect(page.chunks.last?.time?.seconds == 100 && page.chunks.first?.time?.seconds ?? 0 > 50)
        // Output that may be younger is gone: a reader sees that.
        #expect(spool.offset(of: .epoch) == 0)
        #expect(spool.state.withLock { $0.marks.count } < 20)
    }

    @Test func timesAreKeptInTheFile() throws {
        let marks = [TimeMark(offset: 0, time: .epoch), TimeMark(offset: 2, time: .now)]
        let chunk = OutputSpool.Chunk(stream: .stdout, offset: 0, data: Array("abcd".utf8))
        let contents = SpoolContents([chunk], marks: marks, ended: [.stdout], end: 4)
        let read = SpoolContents(contents.encoded)
        #expect(read.marks == marks && read.chunks == [chunk] && read.end == 4 && read.isWhole)
        var damaged = contents.encoded
        damaged[SpoolContents.headerSize + SpoolContents.recordHeaderSize] ^= 1
        let rest = SpoolContents(damaged)
        #expect(rest.marks.isEmpty && rest.chunks == [chunk] && rest.damage == 0)
    }
}
