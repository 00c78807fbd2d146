import Testing

@testable import Worker

/// Messages that were read before their turn, and connections that are cut for them.
struct ReadAheadTests {
    private func message(_ byte: UInt8, count: Int = 1, connection: Int32 = 7) -> ReadAhead.Waiting {
        ReadAhead.Waiting(
            RequestFrames(), [UInt8](repeating: byte, count: count), CommandSocket.Sender(connection: connection))
    }

    private func drain(_ ahead: ReadAhead) -> [UInt8] {
        var bytes: [UInt8] = []
        while let next = ahead.next() { bytes += next.message.body.prefix(1) }
        return bytes
    }

    @Test func connectionsAreServedInTurns() {
        let ahead = ReadAhead()
        for byte in [UInt8(10), 11, 12] { _ = ahead.append(message(byte), from: [1]) }
        _ = ahead.append(message(20), from: [2])
        #expect(drain(ahead) == [10, 20, 11, 12])
        #expect(ahead.isEmpty && ahead.cost == 0)
    }

    @Test func aConnectionBeyondItsBoundIsCutAndTheOthersAreServed() {
        let ahead = ReadAhead(peerLimit: 1000, limit: 10_000)
        _ = ahead.append(message(20), from: [2])
        let first = ahead.append(message(10, count: 600), from: [1])
        let second = ahead.append(message(11, count: 600, connection: 9), from: [1])
        #expect(first.isEmpty)
        #expect(second.map(\.peer) == [[1]] && second.map(\.connection) == [9])
        #expect(drain(ahead) == [20])
    }

    @Test func beyondTheBoundOfAllTheLargestIsCut() {
        let ahead = ReadAhead(peerLimit: 10_000, limit: 2000)
        _ = ahead.append(message(10, count: 1000), from: [1])
        _ = ahead.append(message(20, count: 100), from: [2])
        let cut = ahead.append(message(30, count: 700), from: [3])
        #expect(cut.map(\.peer) == [[1]])
        #expect(drain(ahead) == [20, 30])
    }

    @Test func whatWasCutIsNotServedAndTheSameConnectionMayComeAgain() {
        let ahead = ReadAhead(peerMessages: 2)
        for byte in [UInt8(10), 11, 12, 13] { _ = ahead.append(message(byte), from: [1]) }
        _ = ahead.append(message(20), from: [2])
        #expect(drain(ahead) == [13, 20])
        #expect(ahead.isEmpty && ahead.cost == 0)
    }

    @Test func aPeerThatIsGoneIsServedUnlessVeryMuchOfItWaits() {
        let ahead = ReadAhead()
        for byte in 1...5 { _ = ahead.append(message(UInt8(byte)), from: [1]) }
        _ = ahead.append(message(20), from: [2])
        let few = ahead.discard([1], over: 5)
        _ = ahead.append(message(6), from: [1])
        let many = ahead.discard([1], over: 5)
        #expect(!few && many)
        #expect(drain(ahead) == [20])
    }

    @Test func whatWasCutIsRememberedForAWhile() {
        var cut = CutPeers()
        let now = ContinuousClock.now
        cut.insert([1], at: now)
        cut.insert([2], at: now + .seconds(6))
        #expect(cut.contains([1]) && cut.contains([2]) && !cut.contains([3]))
        cut.insert([3], at: now + .seconds(12))
        #expect(!cut.contains([1]) && cut.contains([2]))
        cut.insert([4], at: now + .seconds(60))
        #expect(!cut.contains([2]) && !cut.contains([3]) && cut.contains([4]))
    }

    @Test func aMessageOfManyFramesCostsAFew() {
        var frames = RequestFrames()
        for _ in 0..<10_000 { frames.add(size: 1, isLast: false) { [1] } }
        #expect(frames.cost < 1000 && !frames.endsWithBody)
    }

    @Test func whatWellBehavedPeersHaveUnderWayIsNotLarge() {
        let ahead = ReadAhead()
        for _ in 0..<1000 { _ = ahead.append(message(1, count: 60), from: [1]) }
        #expect(!ahead.isLarge)
        for _ in 0..<5000 { _ = ahead.append(message(1, count: 60), from: [1]) }
        #expect(ahead.isLarge)
    }

    @Test func itLooksNowAndThenAndAfterEveryTurnWhileItIsBehind() {
        var pace = ReadAheadPace()
        let looks = (0..<1000).filter { _ in pace.isDue(wasLong: false) }
        #expect((10..<100).contains(looks.count))
        pace.isBehind = true
        let whileBehind = (0..<10).allSatisfy { _ in pace.isDue(wasLong: false) }
        #expect(whileBehind)
    }

    // MARK: Replies

    private func reply(_ peer: UInt8, _ count: Int) -> HeldReplies.Reply {
        HeldReplies.Reply(
            body: [UInt8](repeating: 0, count: count),
            route: .of(peer))
    }

    @Test func aPeerThatDoesNotReadIsCut() {
        var held = HeldReplies(peerLimit: 100, limit: 1000)
        let first = held.add(reply(1, 60))
        let second = held.add(reply(1, 60))
        #expect(first == nil && second?.connection == 1)
        #expect(!held.holds([1]) && held.isEmpty)
    }

    @Test func ofManyThatDoNotReadTheWorstIsCut() {
        var held = HeldReplies(peerLimit: 1000, limit: 150)
        _ = held.add(reply(1, 100))
        let cut = held.add(reply(2, 60))
        #expect(cut?.connection == 1)
        #expect(held.first([2])?.body.count == 60)
        held.removeFirst([2])
        #expect(held.isEmpty)
    }
}
