import Glibc

/// A point in time, as HCS writes it: RFC 3339 in UTC with seven digits of a second [inf].
struct EmulatedSystemTime: Sendable {
    /// Units of 100 ns since 1970.
    let units: Int64

    init(units: Int64) {
        self.units = units
    }

    static func now() -> EmulatedSystemTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return EmulatedSystemTime(units: Int64(time.tv_sec) * 10_000_000 + Int64(time.tv_nsec) / 100)
    }

    var text: String {
        var seconds = time_t(units / 10_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let digits = { (number: Int64, width: Int) -> String in
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        let date = [(Int64(parts.tm_year) + 1900, 4), (Int64(parts.tm_mon) + 1, 2), (Int64(parts.tm_mday), 2)]
        let time = [(Int64(parts.tm_hour), 2), (Int64(parts.tm_min), 2), (Int64(parts.tm_sec), 2)]
        return date.map(digits).joined(separator: "-") + "T" + time.map(digits).joined(separator: ":") + "."
            + digits(units % 10_000_000, 7) + "Z"
    }
}
