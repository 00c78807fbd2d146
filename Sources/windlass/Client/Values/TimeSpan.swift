import ArgumentParser

/// A length of time as a person writes it: `500ms`, `10s`, `2m`, `1h30m`; a plain number is seconds.
struct TimeSpan: ExpressibleByArgument, Sendable, Equatable {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        if let seconds = Double(argument) {
            guard seconds >= 0, seconds <= TimeSpan.longest else { return nil }
            duration = .milliseconds(Int64((seconds * 1000).rounded()))
            return
        }
        var milliseconds = 0.0
        var rest = argument[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let number = Double(digits), let factor = TimeSpan.units[String(unit)] else { return nil }
            milliseconds += number * factor
            rest = rest.dropFirst(digits.count + unit.count)
        }
        guard !argument.isEmpty, milliseconds <= TimeSpan.longest * 1000 else { return nil }
        duration = .milliseconds(Int64(milliseconds.rounded()))
    }

    /// As a person writes it: this is what `--help` shows for a default.
    var defaultValueDescription: String { duration.brief }

    /// A year, which is the longest that the protocol knows.
    private static let longest = 31_536_000.0

    private static let units = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000.0]

    /// For the protocol's `_ms` keys.
    var milliseconds: UInt64 { UInt64(max(0, duration / .milliseconds(1))) }
}

extension Duration {
    /// Short, for a table: the two largest units.
    var brief: String {
        let seconds = components.seconds
        return switch seconds {
        case ..<1: "\(Int(self / .milliseconds(1)))ms"
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m\(seconds % 60)s"
        case ..<86_400: "\(seconds / 3600)h\(seconds / 60 % 60)m"
        default: "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
        }
    }
}
