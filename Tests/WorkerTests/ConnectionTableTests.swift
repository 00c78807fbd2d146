import Testing

@testable import Worker

/// Whose a connection is, from what the monitor and the messages say.
struct ConnectionTableTests {
    private let now = ContinuousClock.now

    @Test func furtherConnectionsThanTheLimitAreReported() {
        var table = ConnectionTable(limit: 2)
        let outcomes = (1...3).map { table.accepted($0, at: now) }
        #expect(outcomes == [true, true, false])
        table.disconnected(3)
        table.disconnected(1)
        let next = table.accepted(4, at: now)
        #expect(next)
    }

    @Test func handshakesAreAttributedInOrderAndCorrectedByMessages() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in [1, 2] { _ = table.accepted(descriptor, at: now) }
        table.approve("a", at: now)
        table.approve("b", at: now)
        #expect(table.count(of: "a") == 1 && table.count(of: "b") == 1, "those on their way count")
        table.connected(1, at: now)
        table.connected(2, at: now)
        #expect(table.descriptors(of: ["a"]) == [1] && table.descriptors(of: ["b"]) == [2])
        table.prove(1, "b", at: now)
        #expect(Set(table.descriptors(of: ["b"])) == [1, 2] && table.isProven(1, "b") && !table.isProven(2, "b"))
    }

    @Test func aDescriptorThatIsUsedAgainHasNoOwner() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        table.prove(1, "a", at: now)
        table.disconnected(1)
        _ = table.accepted(1, at: now)
        #expect(table.descriptors(of: ["a"]).isEmpty && !table.isProven(1, "a"))
    }

    @Test func anApprovalWithoutAHandshakeIsForgotten() {
        var table = ConnectionTable(limit: 10)
        table.approve("a", at: now)
        let later = now.advanced(by: .seconds(6))
        _ = table.accepted(1, at: later)
        table.approve("b", at: later)
        table.connected(1, at: later)
        #expect(table.descriptors(of: ["b"]) == [1] && table.count(of: "a") == 0)
    }

    @Test func whoIsSilentForLongIsKnown() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in [1, 2] { table.connected(descriptor, at: now) }
        table.prove(2, "a", at: now)
        #expect(table.silent(for: .seconds(60), at: now.advanced(by: .seconds(61))) == [1])
        #expect(table.silent(for: .seconds(60), at: now.advanced(by: .seconds(59))).isEmpty)
    }

    @Test func subscriptionsAreCountedPerConnection() {
        var table = ConnectionTable(limit: 10)
        let counts = [(1, 1), (1, 1), (1, -1), (2, -1)].map { table.subscribed($0, $1, at: now) }
        #expect(counts == [1, 2, 1, 0])
        table.disconnected(1)
        let anew = table.subscribed(1, 1, at: now)
        #expect(anew == 1)
    }
}
