import Testing

@testable import Worker

/// What subscribers may cost the collectors beside them.
struct SubscriptionTests {
    private let now = ContinuousClock.now

    @Test func subscriptionsToOnePrefixShareAWelcome() {
        var welcomes = Welcomes(at: now)
        for _ in 0..<5 { welcomes.add([1]) }
        welcomes.add([2])
        #expect(welcomes.take(at: now) == [[1], [2]])
        welcomes.add([1])
        #expect(welcomes.take(at: now) == [[1]], "a later one has its own")
    }

    @Test func welcomesAreLimitedBySecondAndNoneIsForgotten() {
        var welcomes = Welcomes(at: now)
        for number in 0..<(Welcomes.perSecond + 50) { welcomes.add([UInt8(number / 256), UInt8(number % 256)]) }
        #expect(welcomes.take(at: now).count == Welcomes.perSecond)
        #expect(welcomes.take(at: now + .milliseconds(999)).isEmpty)
        #expect(welcomes.take(at: now + .seconds(1)).count == 50)
    }

    @Test func aFloodOfPrefixesIsBounded() {
        var welcomes = Welcomes(at: now)
        for number in 0..<100_000 { welcomes.add(withUnsafeBytes(of: number) { Array($0) }) }
        var taken = 0
        for second in 0..<1000 { taken += welcomes.take(at: now + .seconds(second)).count }
        #expect(taken == Welcomes.limit)
    }

    @Test func aConnectionThatSubscribesWithoutEndIsCutOnce() {
        var counts = SubscriptionCounts(at: now)
        let cuts = (0..<(3 * SubscriptionCounts.limit)).filter { _ in counts.add(7, at: now) }
        #expect(cuts == [SubscriptionCounts.limit - 1])
        let later = (0..<10).map { second in counts.add(8, at: now + .seconds(second)) }
        #expect(!later.contains(true))
    }
}
