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

    @Test func whoWasLetInCountsBeforeItsFirstMessage() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in [1, 2] { _ = table.accepted(descriptor, at: now) }
        for principal in ["a", "b"] { table.approve(principal) }
        #expect(table.count(of: "a") == 1 && table.count(of: "b") == 1)
        #expect(table.descriptors(of: ["a", "b"]).isEmpty, "which is whose is not known yet")
        for _ in 1...2 { table.prove(1, "b") }
        #expect(table.descriptors(of: ["b"]) == [1] && table.isProven(1, "b") && !table.isProven(2, "b"))
        #expect(table.count(of: "a") == 1 && table.count(of: "b") == 1)
    }

    /// A connection without a message may be of a principal that is revoked: all such are cut, and the others come back.
    @Test func whoHasSentNothingIsSuspectedWhereItMayBeOfThePrincipal() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in [1, 2, 3] { _ = table.accepted(descriptor, at: now) }
        for principal in ["a", "b", "c"] { table.approve(principal) }
        table.prove(3, "c")
        let suspects = table.suspects(of: ["a"])
        #expect(Set(suspects.descriptors) == [1, 2] && suspects.count == 1)
        #expect(table.suspects(of: ["c"]).descriptors.isEmpty)
    }

    @Test func whoLeavesWithoutAMessageIsForgotten() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in 1...3 {
            _ = table.accepted(descriptor, at: now)
            table.approve("a")
        }
        #expect(table.count(of: "a") == 3)
        for descriptor: Int32 in 1...3 { table.disconnected(descriptor) }
        #expect(table.count(of: "a") == 0 && table.count == 0)
    }

    /// The next connection has the descriptor already when a message of the one before it is read.
    @Test func aDescriptorThatIsUsedAgainLeavesNoConnectionBehind() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        table.approve("a")
        _ = table.accepted(1, at: now)
        table.approve("a")
        table.prove(1, "a")
        table.disconnected(1)
        #expect(table.count(of: "a") == 0 && table.count == 0)
        _ = table.accepted(2, at: now)
        table.approve("a")
        _ = table.accepted(1, at: now)
        table.prove(1, "a")
        table.approve("a")
        table.disconnected(1)
        table.disconnected(2)
        #expect(table.count(of: "a") == 0 && table.count == 0)
    }

    @Test func aMessageThatOutlivesItsConnectionMakesNone() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        table.approve("a")
        table.disconnected(1)
        table.prove(1, "a")
        let subscriptions = table.subscribed(1, 1)
        #expect(table.count(of: "a") == 0 && table.count == 0 && subscriptions == 0)
    }

    @Test func aDescriptorThatIsUsedAgainHasNoOwner() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        table.prove(1, "a")
        table.disconnected(1)
        _ = table.accepted(1, at: now)
        #expect(table.descriptors(of: ["a"]).isEmpty && !table.isProven(1, "a"))
    }

    @Test func whoIsSilentForLongIsKnown() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in [1, 2] { _ = table.accepted(descriptor, at: now) }
        table.prove(2, "a")
        #expect(table.silent(for: .seconds(60), at: now.advanced(by: .seconds(61))) == [1])
        #expect(table.silent(for: .seconds(60), at: now.advanced(by: .seconds(59))).isEmpty)
    }

    @Test func subscriptionsAreCountedPerConnection() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in [1, 2] { _ = table.accepted(descriptor, at: now) }
        let counts = [(1, 1), (1, 1), (1, -1), (2, -1)].map { table.subscribed($0, $1) }
        #expect(counts == [1, 2, 1, 0])
        table.disconnected(1)
        _ = table.accepted(1, at: now)
        let anew = table.subscribed(1, 1)
        #expect(anew == 1)
    }
}
