import Foundation
import MessagePack

extension Timestamp {
    /// As RFC 3339 writes it, in UTC, with as many digits as are needed.
    var rfc3339: String {
        var digits = String(nanoseconds + 1_000_000_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return Timestamp.base(seconds) + (digits.isEmpty ? "" : ".\(digits)") + "Z"
    }

    /// As RFC 3339 writes it, in UTC, always with milliseconds, so that lines are aligned.
    var milliseconds: String {
        Timestamp.base(seconds) + "." + String(nanoseconds / 1_000_000 + 1000).dropFirst() + "Z"
    }

    /// How long after `other` it is; never below zero.
    func duration(since other: Timestamp) -> Duration {
        let difference =
            Duration.seconds(seconds.subtractingReportingOverflow(other.seconds).partialValue)
            + .nanoseconds(Int64(nanoseconds) - Int64(other.nanoseconds))
        return max(.zero, difference)
    }

    /// Days since 1970 become a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
    /// algorithms"): no locale and no year that a formatter does not know.
    private static func base(_ seconds: Int64) -> String {
        let (days, rest) = (seconds.flooredQuotient(86_400), seconds.flooredRemainder(86_400))
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted.flooredRemainder(146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let calendarMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
        let date = "\(padded(year, 4))-\(padded(calendarMonth, 2))-\(padded(day, 2))"
        return "\(date)T\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }

    fileprivate func flooredRemainder(_ divisor: Int64) -> Int64 {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}
