import ContainerModel
import Testing

struct TimestampRFC3339Tests {
    @Test(
        arguments: [
            (0, 0, "1970-01-01T00:00:00Z"), (-1, 500_000_000, "1969-12-31T23:59:59.5Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000000001Z"), (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
            (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00Z"),
        ] as [(Int64, UInt32, String)])
    func bothWays(_ seconds: Int64, _ nanoseconds: UInt32, _ text: String) throws {
        let time = try #require(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
        #expect(time.rfc3339() == text)
        #expect(Timestamp(rfc3339: text) == time)
    }

    @Test func anyInstantHasAText() throws {
        for seconds in [Int64.min, .max] {
            let time = try #require(Timestamp(seconds: seconds, nanoseconds: 0))
            #expect(time.rfc3339().hasSuffix("Z"))
        }
    }

    @Test(arguments: [(0, "Z"), (3, ".123Z"), (7, ".1234567Z"), (9, ".123456789Z")])
    func fixedDigits(_ digits: Int, _ end: String) throws {
        let time = try #require(Timestamp(seconds: 0, nanoseconds: 123_456_789))
        #expect(time.rfc3339(digits: digits) == "1970-01-01T00:00:00" + end)
        #expect(Timestamp.epoch.rfc3339(digits: 3) == "1970-01-01T00:00:00.000Z")
    }

    @Test(
        arguments: [
            ("2000-02-29T12:00:00+02:00", 951_818_400), ("2024-12-31t23:59:59z", 1_735_689_599),
            ("2016-12-31T23:59:60Z", 1_483_228_800), ("1970-01-01T00:00:00-00:30", 1800),
        ] as [(String, Int64)])
    func otherForms(text: String, seconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.seconds == seconds)
    }

    @Test func digitsBeyondANanosecondAreCutOff() {
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00.1234567899Z")?.nanoseconds == 123_456_789)
    }

    @Test(arguments: [
        "", "2017-01-02", "2017-13-02T03:04:05Z", "2017-01-02T03:04:05", "2017-01-02T03:04:05.Z",
        "2017-01-02T03:04:05+1", "2017-02-29T03:04:05Z", "2017-04-31T03:04:05Z", "2017-01-00T03:04:05Z",
        "2017-01-02T24:04:05Z", "2017-01-02T03:04:05+24:00", "2017-01-02T03:04:05Zulu", "tomorrow",
    ])
    func noTimes(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }
}
