import ContainerModel
import Testing

@testable import Worker

/// The bytes of a file of output: whole, cut off, damaged, and of the version before.
struct SpoolContentsTests {
    /// Three records: "one ", "two" on the error stream, whose end it is, and "three".
    private let file: [UInt8] = {
        let text: [(ContainerModel.OutputStream, UInt64, String, Bool)] = [
            (.stdout, 0, "one ", false), (.stderr, 4, "two", true), (.stdout, 7, "three", false),
        ]
        return text.reduce(SpoolContents.header(end: 0)) { file, record in
            file
                + Array(record.2.utf8).withUnsafeBytes {
                    SpoolContents.record(record.0, offset: record.1, $0, isEnd: record.3)
                }
        }
    }()

    private func text(_ contents: SpoolContents) -> [String] {
        contents.chunks.map { "\($0.stream)@\($0.offset):\(String(decoding: $0.data, as: UTF8.self))" }
    }

    @Test func whatIsWholeIsReadAsItWasWritten() {
        let contents = SpoolContents(file)
        #expect(text(contents) == ["stdout@0:one ", "stderr@4:two", "stdout@7:three"])
        #expect(contents.ended == [.stderr] && contents.end == 12 && contents.isWhole && contents.damage == nil)
        let again = SpoolContents(contents.encoded)
        #expect(text(again) == text(contents) && again.ended == contents.ended && again.end == 12 && again.isWhole)
    }

    @Test func whatWasCutOffIsNoDamage() {
        for length in 0..<file.count {
            let contents = SpoolContents(Array(file[..<length]))
            #expect(contents.damage == nil)
            #expect(text(SpoolContents(file)).starts(with: text(contents)), "\(length)")
            #expect(contents.end == contents.chunks.last?.end ?? 0)
        }
    }

    @Test func noFlippedBitIsTakenForOutput() {
        let whole = text(SpoolContents(file))
        for bit in 0..<file.count * 8 {
            var flipped = file
            flipped[bit / 8] ^= 1 << (bit % 8)
            let contents = SpoolContents(flipped)
            #expect(contents.damage != nil, "bit \(bit) is silent")
            #expect(text(contents).allSatisfy(whole.contains), "bit \(bit): \(text(contents))")
            #expect(text(contents).count >= whole.count - 1, "bit \(bit) costs one record at most")
            #expect(contents.end == 12, "bit \(bit): offsets do not go backwards")
        }
    }

    @Test func lossesStandBetweenTheBytes() {
        let chunks = SpoolContents(file).chunks.map { chunk in
            var chunk = chunk
            chunk.offset += chunk.offset > 0 ? 2 : 0
            return chunk
        }
        let losses = [
            UnknownLoss(stream: .stdout, offset: 4), UnknownLoss(stream: .stderr, offset: 5),
            UnknownLoss(stream: .stdout, offset: 14),
        ]
        let contents = SpoolContents(SpoolContents(chunks, losses: losses, ended: [], end: 15).encoded)
        #expect(text(contents) == ["stdout@0:one ", "stderr@6:two", "stdout@9:three"])
        #expect(contents.losses == losses && contents.silent == [.stdout])
        #expect(contents.end == 15 && contents.isWhole && contents.damage == nil)
    }

    @Test func theEndIsKeptWithoutAnyByte() {
        let contents = SpoolContents(SpoolContents([], ended: [.stdout], end: 1000).encoded)
        #expect(contents.end == 1000 && contents.chunks.isEmpty && contents.ended == [.stdout] && contents.isWhole)
    }

    @Test func bytesThatWereDroppedAreAGapAndNoDamage() {
        let late = OutputSpool.Chunk(stream: .stdout, offset: 500, data: [1, 2])
        let contents = SpoolContents(SpoolContents([late], ended: [], end: 502).encoded)
        #expect(contents.chunks == [late] && contents.end == 502 && contents.damage == nil)
    }

    @Test func theVersionBeforeIsRead() {
        let file: [UInt8] =
            [1, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 65, 66] + [0x82, 1, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 67]
        let contents = SpoolContents(file)
        #expect(text(contents) == ["stdout@9:AB", "stderr@11:C"] && contents.ended == [.stderr])
        #expect(!contents.isWhole, "it is written anew before anything is added")
        #expect(text(SpoolContents(Array(file.dropLast()))) == ["stdout@9:AB"])
    }

    @Test func whatIsNoFileOfOutputIsNoOutput() {
        for file in [[], [1], [9, 9, 9], [UInt8](repeating: 0xFF, count: 4096)] as [[UInt8]] {
            let contents = SpoolContents(file)
            #expect(contents.chunks.isEmpty && contents.end == 0)
        }
    }
}
