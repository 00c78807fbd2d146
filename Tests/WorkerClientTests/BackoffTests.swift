import Testing

@testable import WorkerClient

/// How long the client pauses between tries.
struct BackoffTests {
    @Test func theBoundDoublesFrom100MillisecondsTo30Seconds() {
        let milliseconds = (1...12).map { Int(Backoff.bound($0) / .milliseconds(1)) }
        #expect(milliseconds == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000])
        #expect(Backoff.bound(.max) == .seconds(30))
        #expect(Backoff.bound(0) == .milliseconds(100))
    }

    @Test func thePauseIsAnythingUpToTheBound() {
        #expect(Backoff.pause(after: 3, chance: 0) == .zero)
        #expect(Backoff.pause(after: 3, chance: 0.25) == .milliseconds(100))
        #expect(Backoff.pause(after: 3, chance: 1) == .milliseconds(400))
    }

    @Test func theSystemsChanceIsSpread() {
        let chances = (0..<200).map { _ in SystemTimekeeper().chance() }
        #expect(chances.allSatisfy { (0...1).contains($0) })
        #expect(chances.contains { $0 < 0.4 } && chances.contains { $0 > 0.6 })
    }
}
