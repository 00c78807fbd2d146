import Testing

@testable import Worker

/// The frames between a routing id and a body.
struct RequestFramesTests {
    private func read(_ frames: [[UInt8]]) -> RequestFrames {
        var read = RequestFrames()
        for (index, frame) in frames.enumerated() {
            read.add(size: frame.count, isLast: index == frames.count - 1) { frame }
        }
        return read
    }

    private static let body: [UInt8] = [0x94]

    @Test func aBodyAlone() {
        let frames = read([RequestFramesTests.body])
        #expect(frames.endsWithBody && frames.envelope == .none)
    }

    @Test func anEmptyBodyIsABody() { #expect(read([[]]).endsWithBody) }

    @Test func aDelimiterAndABody() {
        let frames = read([[], RequestFramesTests.body])
        #expect(frames.endsWithBody && frames.envelope == .delimiter)
    }

    @Test func anEnvelopeAndABody() {
        let frames = read([[1], [2, 3], [], RequestFramesTests.body])
        #expect(frames.endsWithBody && frames.envelope == .frames([[1], [2, 3]]))
    }

    @Test func anEnvelopeHasAtMostSixteenFramesOf255Bytes() {
        let longest = Array(repeating: [UInt8](repeating: 7, count: 255), count: 16)
        #expect(read(longest + [[], RequestFramesTests.body]).endsWithBody)
        #expect(!read([[1]] + longest + [[], RequestFramesTests.body]).endsWithBody)
        let wide = read([[UInt8](repeating: 7, count: 256), [], RequestFramesTests.body])
        #expect(!wide.endsWithBody && wide.envelope == .none)
    }

    @Test(
        arguments: [
            [[1], [2]], [[1], [2], [3]], [[], []].map { $0 as [UInt8] } + [[1]], [[1], []], [[], [1], [2]], [],
        ] as [[[UInt8]]])
    func anythingElseIsRefused(_ frames: [[UInt8]]) { #expect(!read(frames).endsWithBody) }

    @Test func aRefusalGoesBehindTheEnvelopeThatWasUnderstood() {
        #expect(read([[], [1], [2]]).envelope == .delimiter)
        #expect(read([[9], [], [1], [2]]).envelope == .frames([[9]]))
        #expect(read([[9], [8]]).envelope == .none)
    }
}
