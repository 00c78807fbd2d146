import ContainerModel
import Testing

struct TimestampArithmeticTests {
    private func at(_ seconds: Int64, _ nanoseconds: UInt32) throws -> Timestamp {
        try #require(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test func nanosecondsCarryBothWays() throws {
        #expect(try at(10, 999_999_999).advanced(by: .nanoseconds(1)) == at(11, 0))
        #expect(try at(10, 1).advanced(by: .nanoseconds(-2)) == at(9, 999_999_999))
        #expect(try at(10, 500_000_000).advanced(by: .milliseconds(1500)) == at(12, 0))
        #expect(try at(10, 500_000_000).advanced(by: .milliseconds(-10_600)) == at(-1, 900_000_000))
        #expect(try at(-1, 0).advanced(by: .zero) == at(-1, 0))
    }

    @Test func nothingOverflows() throws {
        #expect(try at(.max, 999_999_999).advanced(by: .nanoseconds(1)) == at(.max, 0))
        #expect(try at(.max, 0).advanced(by: .seconds(Int64.max)) == at(.max, 0))
        #expect(try at(.min, 0).advanced(by: .nanoseconds(-1)) == at(.min, 0))
    }
}
