import ContainerModel
import Foundation
import Logging

/// How one log record looks.
struct LogLineFormat: Sendable {
    enum Shape: Sendable {
        /// For a person on a terminal.
        case text
        /// One object a line: `ts` (RFC 3339), `level`, `msg`, and the metadata as further keys.
        case json
    }

    var shape: Shape
    /// Whether each line begins with its priority, as sd-daemon(3) has it, for the journal.
    var hasPriority = false

    func line(_ event: LogEvent, _ metadata: Logger.Metadata, at time: Timestamp) -> Data? {
        let time = time.rfc3339(digits: 3)
        let priority = Data(hasPriority ? "<\(LogLineFormat.priority(event.level))>".utf8 : "".utf8)
        switch shape {
        case .text:
            let details = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            return priority + Data("\(time) \(event.level.rawValue): \(event.message)\(details)\n".utf8)
        case .json:
            var record: [String: String] = metadata.mapValues { "\($0)" }
            record["ts"] = time
            record["level"] = event.level.rawValue
            record["msg"] = "\(event.message)"
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? encoder.encode(record)).map { priority + $0 + Data("\n".utf8) }
        }
    }

    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}
