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

    /// As RFC 3339, of which the time, its seconds and the zone may be missing.
    private static func date(_ text: String, _ zone: TimeZone) -> Timestamp? {
        guard
            let match = text.wholeMatch(
                of: /(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?([Zz]|[+-]\d\d:\d\d)?/)
        else { return nil }
        let plain = "\(match.1)T\(match.2 ?? "00:00")\(match.3 ?? ":00")"
        if let given = match.4 { return Timestamp(rfc3339: plain + given) }
        guard let time = Timestamp(rfc3339: plain + "Z") else { return nil }
        let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(time.seconds)))
        return time.advanced(by: .seconds(-offset))
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
