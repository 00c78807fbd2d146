import ContainerModel
import Foundation
import MessagePack
import Testing

@testable import windlass

/// Points in time as people write them.
struct TimePointTests {
    private let zone = TimeZone(secondsFromGMT: 7200)

    private func seconds(_ text: String) -> Int64? {
        guard let zone, let now = Timestamp(seconds: 1_000_000, nanoseconds: 0) else { return nil }
        return TimePoint(text, zone: zone)?.timestamp(now: now).seconds
    }

    @Test(arguments: [
        ("10m", 999_400), ("1h30m", 994_600), ("1764410000", 1_764_410_000), ("1764410000.5", 1_764_410_000),
        ("2025-11-29T10:00:00Z", 1_764_410_400), ("2025-11-29T10:00:00.25Z", 1_764_410_400),
        ("2025-11-29T10:00:00+01:00", 1_764_406_800), ("2025-11-29T10:00", 1_764_403_200),
        ("2025-11-29", 1_764_367_200), ("1970-01-01T00:00:00Z", 0), ("2000-02-29T00:00:00Z", 951_782_400),
    ])
    func times(_ text: String, _ expected: Int64) { #expect(seconds(text) == expected) }

    @Test(arguments: ["", "yesterday", "2025-13-01", "2025-11-29T25:00:00Z", "10x", "-5m", "1.2.3"])
    func whatIsNoTime(_ text: String) { #expect(seconds(text) == nil) }

    @Test func fractionsAreKept() throws {
        let zone = try #require(zone)
        let point = try #require(TimePoint("1.25", zone: zone))
        #expect(point.timestamp(now: .epoch).nanoseconds == 250_000_000)
    }
}
