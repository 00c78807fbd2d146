import ContainerModel
import ArgumentParser
import Foundation
import MessagePack

/// A point in time as a person writes it: `10m` (that long ago), `2026-11-28T10:00:00Z`, `2026-11-28`, or seconds since
/// 1970. Without a zone it is local time.
struct TimePoint: ExpressibleByArgument, Sendable, Equatable {
    private enum Form: Sendable, Equatable {
        case ago(Duration)
        case at(Timestamp)
    }

    private let form: Form

    init?(argument: String) {
        self.init(argument, zone: .current)
    }

    /// Reads `text`; a date without a zone is in `zone`.
    init?(_ text: String, zone: TimeZone) {
        if let time = TimePoint.seconds(text) ?? TimePoint.date(text, zone) {
            form = .at(time)
        } else if let span = TimeSpan(argument: text) {
            form = .ago(span.duration)
        } else {
            return nil
        }
    }

    /// The time that it stands for, at `now`.
    func timestamp(now: Timestamp) -> Timestamp {
        switch form {
        case .at(let time): time
        case .ago(let duration): now.advanced(by: .zero - duration)
        }
    }

    private static func seconds(_ text: String) -> Timestamp? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let seconds = number(parts[0], 1...12) else { return nil }
        guard parts.count == 2 else { return Timestamp(seconds: seconds, nanoseconds: 0) }
        return fraction(parts[1]).flatMap { Timestamp(seconds: seconds, nanoseconds: $0) }
    }

    /// `YYYY-MM-DD`, with `THH:MM`, `:SS`, a fraction and `Z` or `+HH:MM` behind it as far as they are given.
    private static func date(_ text: String, _ zone: TimeZone) -> Timestamp? {
        guard
            let match = text.wholeMatch(
                of:
                    /(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(?:(Z)|([+-])(\d\d):(\d\d))?/
            )
        else { return nil }
        let numbers = [match.1, match.2, match.3, match.4 ?? "0", match.5 ?? "0", match.6 ?? "0"].compactMap {
            Int64($0)
        }
        guard numbers.count == 6, (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24,
            numbers[4] < 60, numbers[5] < 61
        else { return nil }
        let days = daysSince1970(numbers[0], numbers[1], numbers[2])
        var seconds = days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        if let sign = match.9, let hours = match.10.flatMap({ Int64($0) }),
            let minutes = match.11.flatMap({ Int64($0) })
        {
            seconds -= (sign == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
        } else if match.8 == nil {
            seconds -= Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
        }
        return Timestamp(seconds: seconds, nanoseconds: match.7.flatMap { fraction($0) } ?? 0)
    }

    /// The inverse of what ``Timestamp/rfc3339`` does with the days.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func number(_ text: Substring, _ lengths: ClosedRange<Int>) -> Int64? {
        guard lengths.contains(text.count), text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int64(text)
    }

    private static func fraction(_ text: Substring) -> UInt32? {
        guard number(text, 1...9) != nil else { return nil }
        return UInt32(text + String(repeating: "0", count: 9 - text.count))
    }
}
