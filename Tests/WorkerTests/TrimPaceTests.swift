import Testing

@testable import Worker

/// When memory is given back.
struct TrimPaceTests {
    @Test func aQuietSecondIsTheTime() {
        var pace = TrimPace()
        let quiet = [pace.isDue(requests: 0), pace.isDue(requests: 50), pace.isDue(requests: 120)]
        #expect(quiet == [true, true, true])
    }

    @Test func busySecondsAreLeftAloneButNotForEver() {
        var pace = TrimPace()
        let looks = (1...90).filter { second in pace.isDue(requests: UInt64(second) * 10_000) }
        #expect(looks == [30, 60, 90])
        let afterwards = pace.isDue(requests: 900_001)
        #expect(afterwards)
    }
}
