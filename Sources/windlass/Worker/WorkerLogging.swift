import Foundation
import Logging

/// Where a worker's logs go: stderr, as lines for people on a terminal and as JSON objects elsewhere.
enum WorkerLogging {
    static func logger(level: String, host: String) -> Logger {
        let isTerminal = isatty(STDERR_FILENO) == 1
        var logger = Logger(label: "windlass") { label in
            let handler: any LogHandler = isTerminal ? StreamLogHandler.standardError(label: label) : JSONLogHandler()
            return handler
        }
        logger.logLevel = Logger.Level(rawValue: level) ?? .info
        logger[metadataKey: "host"] = "\(host)"
        return logger
    }
}

/// Writes each log record as one line of JSON: `ts` (RFC 3339), `level`, `msg`, and the metadata as further keys.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var record: [String: String] = [:]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            record[key] = "\(value)"
        }
        record["ts"] = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        record["level"] = event.level.rawValue
        record["msg"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(record) else { return }
        FileHandle.standardError.write(line + Data("\n".utf8))
    }
}
