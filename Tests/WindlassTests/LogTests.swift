import ContainerModel
import MessagePack
import Testing

@testable import windlass

/// What `logs` prints of the pieces that a worker keeps.
struct LogTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func withoutAnythingBeforeThemBytesAreHandedOn() {
        var lines = LogLines()
        #expect(lines.take(.stdout, [0xFF, 10, 0], at: nil) == [0xFF, 10, 0])
        #expect(lines.end(.stdout) == [])
    }

    @Test func theTimeStandsBeforeEachLineAndNoOther() {
        var lines = LogLines(hasTimes: true)
        let time = "1970-01-01T00:00:00.000Z "
        #expect(text(lines.take(.stdout, Array("a\nb".utf8), at: .epoch)) == "\(time)a\n\(time)b")
        #expect(text(lines.take(.stdout, Array("c\n\n".utf8), at: .epoch)) == "c\n\(time)\n")
        #expect(text(lines.take(.stderr, Array("d".utf8), at: nil)) == "- d")
    }

    @Test func linesOfSeveralContainersAreWhole() {
        var lines = LogLines(name: "web")
        #expect(text(lines.take(.stdout, Array("a".utf8), at: nil)) == "")
        #expect(text(lines.take(.stdout, Array("b\nc".utf8), at: nil)) == "web | ab\n")
        #expect(text(lines.take(.stderr, Array("e\n".utf8), at: nil)) == "web | e\n")
        #expect(text(lines.end(.stdout)) == "web | c\n")
        #expect(lines.end(.stdout) == [])
    }

    @Test func theWorkerIsAskedForWhatIsWanted() throws {
        #expect(LogSelection().first == ["from": 0])
        let since = try #require(Timestamp(seconds: 5, nanoseconds: 0))
        let selection = LogSelection(since: since, until: since, tail: 3, hasTimes: true)
        #expect(selection.first == ["from": .timestamp(since), "times": true, "tail": 3])
        #expect(selection.next(7) == ["from": 7, "times": true])
        #expect(selection.isBehind(.now) && !selection.isBehind(since) && !selection.isBehind(nil))
    }

    @Test func numbersOfLines() {
        #expect(LineCount(argument: "all")?.lines == nil)
        #expect(LineCount(argument: "0")?.lines == 0)
        #expect(LineCount(argument: "-2") == nil)
        #expect(LineCount(argument: "x") == nil)
    }
}
