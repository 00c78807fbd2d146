import Testing

@testable import Worker

/// Whose a connection is, from what the monitor and the messages say.
struct ConnectionTableTests {
    private let now = ContinuousClock.now

    @Test func whoHasShownNothingGivesWay() {
        var table = ConnectionTable(limit: 4)
        let outcomes = (1...4).map { table.accepted($0, at: now) }
        #expect(outcomes == [nil, nil, 1, 1], "half of them may stand without a message")
        table.wasCut(1)
        table.prove(2, "a")
        table.prove(3, "a")
        table.prove(4, "a")
        let fifth = table.accepted(5, at: now)
        #expect(fifth == nil, "one that was cut makes room")
        let sixth = table.accepted(6, at: now)
        #expect(sixth == 5, "the newcomer may be honest, and the one before it has shown nothing")
        table.wasCut(5)
        table.prove(6, "a")
        let seventh = table.accepted(7, at: now)
        #expect(seventh == 7, "none of the others has shown nothing")
    }

    @Test func anHonestPeerComesInBesideAThousandHalfOpenConnections() {
        var table = ConnectionTable(limit: 100)
        var cut: Set<Int32> = []
        for descriptor: Int32 in 0..<50 {
            _ = table.accepted(descriptor, at: now)
            table.prove(descriptor, "a")
        }
        for descriptor: Int32 in 1000..<2000 {
            guard let one = table.accepted(descriptor, at: now) else { continue }
            table.wasCut(one)
            cut.insert(one)
        }
        _ = table.accepted(50, at: now)
        for descriptor: Int32 in 2000..<2020 {
            guard let one = table.accepted(descriptor, at: now) else { continue }
            table.wasCut(one)
            cut.insert(one)
        }
        table.prove(50, "a")
        #expect(cut.count == 1020 - 50 && cut.allSatisfy { $0 >= 1000 })
    }

    @Test func whoWasLetInCountsBeforeItsFirstMessage() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in [1, 2] { _ = table.accepted(descriptor, at: now) }
        for principal in ["a", "b"] { table.approve(principal, handshake: 1) }
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
        for principal in ["a", "b", "c"] { table.approve(principal, handshake: 1) }
        table.prove(3, "c")
        let suspects = table.suspects(of: ["a"])
        #expect(Set(suspects.descriptors) == [1, 2] && suspects.count == 1)
        #expect(table.suspects(of: ["c"]).descriptors.isEmpty)
    }

    @Test func whoLeavesWithoutAMessageIsForgotten() {
        var table = ConnectionTable(limit: 10)
        for descriptor: Int32 in 1...3 {
            _ = table.accepted(descriptor, at: now)
            table.approve("a", handshake: 1)
        }
        #expect(table.count(of: "a") == 3)
        for descriptor: Int32 in 1...3 { table.disconnected(descriptor) }
        #expect(table.count(of: "a") == 0 && table.count == 0)
    }

    /// The next connection has the descriptor already when a message of the one before it is read.
    @Test func aDescriptorThatIsUsedAgainLeavesNoConnectionBehind() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        table.approve("a", handshake: 1)
        _ = table.accepted(1, at: now)
        table.approve("a", handshake: 1)
        table.prove(1, "a")
        table.disconnected(1)
        #expect(table.count(of: "a") == 0 && table.count == 0)
        _ = table.accepted(2, at: now)
        table.approve("a", handshake: 1)
        _ = table.accepted(1, at: now)
        table.prove(1, "a")
        table.approve("a", handshake: 1)
        table.disconnected(1)
        table.disconnected(2)
        #expect(table.count(of: "a") == 0 && table.count == 0)
    }

    @Test func aMessageThatOutlivesItsConnectionMakesNone() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        table.approve("a", handshake: 1)
        table.disconnected(1)
        table.prove(1, "a")
        let isCurrent = table.isCurrent(1, handshake: 1)
        #expect(table.count(of: "a") == 0 && table.count == 0 && !isCurrent)
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
        var report = SubscriptionReport(connection: 1, handshake: 1, user: "a")
        report.added = Subscriptions.limit
        let first = table.subscribed(report, at: now)
        report.added = 1
        let second = table.subscribed(report, at: now)
        let other = table.subscribed(SubscriptionReport(connection: 2, handshake: 2, user: "a", added: 1), at: now)
        #expect([first, second, other] == [false, true, false])
    }

    /// A message may be read after its connection has gone, and the next one has its descriptor.
    @Test func whatIsLeftOfAConnectionIsNotOfTheNextOne() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        table.approve("a", handshake: 1)
        table.disconnected(1)
        _ = table.accepted(1, at: now)
        let stale = table.isCurrent(1, handshake: 1)
        table.approve(nil, handshake: 2)
        let own = table.isCurrent(1, handshake: 2)
        let other = table.isCurrent(1, handshake: 3)
        #expect(!stale && own && !other)
    }

    @Test func whoSendsWithoutEndIsFoundByWhatWasReceived() {
        var table = ConnectionTable(limit: 10)
        _ = table.accepted(1, at: now)
        _ = table.accepted(2, at: now)
        let few = table.flooding(at: now) { _, _ in Subscriptions.bytesInSpan }
        let many = table.flooding(at: now) { descriptor, before in descriptor == 1 ? before + 1 : before }
        #expect(few.isEmpty && many == [1])
        table.wasCut(1)
        let again = table.flooding(at: now) { descriptor, before in descriptor == 1 ? before + 1 : before }
        #expect(again.isEmpty)
        // A connection that has stood for long may have received much since.
        let later = now + .seconds(3600)
        let first = table.flooding(at: later) { _, _ in 1 << 30 }
        let second = table.flooding(at: later) { _, before in before + Subscriptions.bytesInSpan + 1 }
        #expect(first.isEmpty && second == [2])
    }

    @Test func theTextOfAllSubscriptionsIsBounded() {
        var table = ConnectionTable(limit: 1000)
        for descriptor: Int32 in 1...100 {
            _ = table.accepted(descriptor, at: now)
            var report = SubscriptionReport(connection: descriptor, handshake: UInt64(descriptor), user: "a")
            report.added = 200
            report.bytes = descriptor == 7 ? 50_000 : 40_000
            #expect(table.heaviest == nil)
            _ = table.subscribed(report, at: now)
        }
        for descriptor: Int32 in 101...110 {
            _ = table.accepted(descriptor, at: now)
            _ = table.subscribed(
                SubscriptionReport(connection: descriptor, handshake: 200, user: "a", added: 200, bytes: 40_000),
                at: now)
        }
        #expect(table.heaviest == 7)
    }
}
