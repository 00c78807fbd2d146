import ContainerModel
import MessagePack
import Testing

@testable import windlass

/// Percent of a processor from two looks.
struct ProcessorRatesTests {
    @Test func aRateNeedsTwoLooks() async throws {
        let rates = ProcessorRates()
        let (first, second) = (
            try #require(Timestamp(seconds: 10, nanoseconds: 900_000_000)),
            try #require(Timestamp(seconds: 11, nanoseconds: 400_000_000))
        )
        #expect(await rates.percent("a", 1_000_000_000, at: first) == nil)
        #expect(await rates.percent("a", 1_750_000_000, at: second) == 150)
        #expect(await rates.percent("b", 1, at: second) == nil)
    }

    @Test func timeThatGoesBackIsAnotherContainers() async throws {
        let rates = ProcessorRates()
        let (first, second) = (
            try #require(Timestamp(seconds: 1, nanoseconds: 0)), try #require(Timestamp(seconds: 2, nanoseconds: 0))
        )
        _ = await rates.percent("a", 100, at: first)
        #expect(await rates.percent("a", 50, at: second) == nil)
        #expect(await rates.percent("a", 50, at: second) == nil)
    }
}
