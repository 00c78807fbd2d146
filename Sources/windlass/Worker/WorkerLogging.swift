import CHostCompute
import ContainerModel
import Dispatch
import Foundation
import Logging
import Synchronization
import Threads

/// Where a worker's logs go: stderr, as lines for people on a terminal and as JSON objects elsewhere.
enum WorkerLogging {
    static func logger(level: String, host: String) -> Logger {
        let format: LogLineFormat = Terminal.isTerminal(.error) ? .text : .json
        var logger = Logger(label: "windlass") { _ in LineLogHandler(format: format, sink: .shared) }
        logger.logLevel = Logger.Level(rawValue: level) ?? .info
        logger[metadataKey: "host"] = "\(host)"
        return logger
    }

    /// Has all that is written to stdout and stderr go to the end of a file.
    static func append(to file: String) throws {
        var path = file
        let error = path.withUTF8 { bytes in
            UnsafeRawBufferPointer(bytes).withMemoryRebound(to: CChar.self) {
                hc_append_output(hc_text(bytes: $0.baseAddress, length: $0.count))
            }
        }
        guard error == 0 else { throw ConfigurationError("--log-file \(file) cannot be written: error \(error)") }
    }
}

/// How one log record looks.
enum LogLineFormat: Sendable {
    /// For a person on a terminal.
    case text
    /// One object a line: `ts` (RFC 3339), `level`, `msg`, and the metadata as further keys.
    case json

    func line(_ event: LogEvent, _ metadata: Logger.Metadata) -> Data? {
        let time = Timestamp.now.rfc3339(digits: 3)
        switch self {
        case .text:
            let details = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            return Data("\(time) \(event.level.rawValue): \(event.message)\(details)\n".utf8)
        case .json:
            var record: [String: String] = metadata.mapValues { "\($0)" }
            record["ts"] = time
            record["level"] = event.level.rawValue
            record["msg"] = "\(event.message)"
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? encoder.encode(record)).map { $0 + Data("\n".utf8) }
        }
    }
}

/// Formats log records and hands them to a sink that never makes the caller wait.
struct LineLogHandler: LogHandler {
    let format: LogLineFormat
    let sink: LogSink
    var metadata: Logger.Metadata = [:]
    /// The sink's: it may change while the program runs, and goes for every logger.
    var logLevel: Logger.Level {
        get { sink.level }
        set { sink.level = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard let line = format.line(event, metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 })) else {
            return
        }
        sink.write(line)
    }
}

/// Writes lines to stderr on a thread of its own: the worker logs from its socket loop, and a reader of the logs that
/// has stopped reading may not stop the worker. Lines beyond a bound are dropped, and their number is written later.
final class LogSink: Sendable {
    static let shared = LogSink()

    private struct State {
        var waiting = 0
        var dropped = 0
        var level = Logger.Level.info
    }

    /// What is less important is not logged.
    var level: Logger.Level {
        get { state.withLock { $0.level } }
        set { state.withLock { $0.level = newValue } }
    }

    /// The most lines that wait.
    private static let limit = 1000
    private let state = Mutex(State())
    /// None where the system has none to give: lines are then written where they come up.
    private let thread = WorkThread("log")

    func write(_ line: Data) {
        let isTaken = state.withLock { state in
            guard state.waiting < LogSink.limit else {
                state.dropped += 1
                return false
            }
            state.waiting += 1
            return true
        }
        guard isTaken else { return }
        run { [self] in
            // A reader that has gone is no reason to stop working.
            try? FileHandle.standardError.write(contentsOf: line)
            let dropped = state.withLock { state in
                state.waiting -= 1
                defer { state.dropped = 0 }
                return state.dropped
            }
            if dropped > 0 {
                try? FileHandle.standardError.write(contentsOf: Data("\(dropped) log lines were dropped\n".utf8))
            }
        }
    }

    private func run(_ work: @escaping @Sendable () -> Void) {
        if let thread { thread.run(work) } else { work() }
    }

    /// Waits until what was logged has been written, for a moment at most.
    func flush() {
        let done = DispatchSemaphore(value: 0)
        run { done.signal() }
        _ = done.wait(timeout: .now() + 1)
    }
}
