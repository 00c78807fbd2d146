import Testing

@testable import Worker

/// What is made of the files that a worker left when it died.
struct JournalRemainsTests {
    private func index(_ frames: Int) -> WriteAheadIndex? {
        // As SQLite lays it out, in this machine's order of bytes.
        var words: [UInt32] = [3_007_000, 0, 1, 0, UInt32(frames), 1, 0, 0, 7, 8]
        withUnsafeMutableBytes(of: &words[3]) { $0[0] = 1 }
        var (first, second): (UInt32, UInt32) = (0, 0)
        for place in stride(from: 0, to: 10, by: 2) {
            first &+= words[place] &+ second
            second &+= words[place + 1] &+ first
        }
        words += [first, second]
        let header = words.withUnsafeBytes { Array($0) }
        return WriteAheadIndex(header + header)
    }

    private func remains(_ log: [UInt8] = [], index: Int? = nil, boots: (String?, String?)? = nil) -> JournalRemains {
        JournalRemains(
            log: WriteAheadLog(log), index: index.flatMap { self.index($0) },
            mark: boots.map { JournalMark(epoch: 5, boot: $0.0) }, boot: boots?.1)
    }

    @Test func nothingIsWrongWithNothing() {
        #expect(remains().finding == nil && remains(boots: ("a", "a")).finding == nil)
        #expect(remains(index: 0, boots: ("a", "a")).finding == nil)
    }

    @Test func aLogThatIsShorterThanItsIndexSaysIsLostUnlessTheMachineStartedAnew() throws {
        let lost = JournalRemains.Finding.lost("its write-ahead log has lost the last 4 pages that were committed")
        #expect(remains(index: 4, boots: ("a", "a")).finding == lost)
        for boots in [("a", "b"), (nil, "b"), ("a", nil)] as [(String?, String?)] {
            guard case .doubtful = remains(index: 4, boots: boots).finding else { Issue.record("\(boots)"); continue }
        }
    }

    @Test func aLogThatIsGoneIsMissedByTheNumberOfTheStart() throws {
        let remains = remains(boots: ("a", "a"))
        guard case .lost = remains.finding(epochWithoutLog: 4) else { throw Missing() }
        guard case .doubtful = remains.finding(epochWithoutLog: 5) else { throw Missing() }
        #expect(self.remains().finding(epochWithoutLog: 0) == nil, "it was closed")
    }

    private struct Missing: Error {}
}
