import Testing

@testable import Worker

/// What subscribers may cost the collectors beside them.
struct SubscriptionTests {
    private let now = ContinuousClock.now

    @Test func subscriptionsToOnePrefixShareAWelcome() {
        var welcomes = Welcomes(at: now)
        for connection: UInt64 in 0..<5 { welcomes.add([1], of: connection) }
        welcomes.add([2], of: 0)
        #expect(welcomes.take(at: now) == [[1], [2]])
        welcomes.add([1], of: 0)
        #expect(welcomes.take(at: now) == [[1]], "a later one has its own")
    }

    @Test func welcomesAreLimitedBySecondAndNoneIsForgotten() {
        var welcomes = Welcomes(at: now)
        for number in 0..<(Welcomes.perSecond + 50) { welcomes.add([UInt8(number / 256), UInt8(number % 256)], of: 1) }
        #expect(welcomes.take(at: now).count == Welcomes.perSecond)
        #expect(welcomes.take(at: now + .milliseconds(999)).isEmpty)
        #expect(welcomes.take(at: now + .seconds(1)).count == 50)
    }

    @Test func aFloodOfPrefixesIsBoundedAndMakesNoOtherWait() {
        var welcomes = Welcomes(at: now)
        for connection: UInt64 in 0..<40 {
            for number in 0..<200 {
                welcomes.add(withUnsafeBytes(of: (connection, number)) { Array($0) }, of: connection)
            }
        }
        welcomes.add([7], of: 100)
        #expect(welcomes.take(at: now).contains([7]))
        var taken = Welcomes.perSecond
        for second in 1..<1000 { taken += welcomes.take(at: now + .seconds(second)).count }
        #expect(taken <= Welcomes.limit)
    }

    @Test func aConnectionThatSubscribesAndEndsItWithoutEndIsCut() {
        var subscriptions = Subscriptions()
        let report = SubscriptionReport(connection: 1, handshake: 1, user: "a", added: 100, ended: 100)
        let cuts = (0..<100).map { _ in subscriptions.add(report, at: now) }
        #expect(cuts.firstIndex(of: true) == Subscriptions.changesInSpan / 200)
        var other = Subscriptions()
        let later = (0..<100).map { other.add(report, at: now + .seconds($0 * 10)) }
        #expect(!later.contains(true))
    }
}
