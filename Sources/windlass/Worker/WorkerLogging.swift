import CHostCompute
import Foundation
import Logging

/// Where a worker's logs go: stderr, as lines for people on a terminal and as JSON objects elsewhere.
enum WorkerLogging {
    /// How lines look, by setting.
    enum Format: String, Sendable, CaseIterable {
        /// Text on a terminal, JSON elsewhere.
        case auto
        case text
        case json
    }

    static func logger(level: String, host: String, format: Format = .auto) -> Logger {
        let isText = format == .text || format == .auto && Terminal.isTerminal(.error)
        let shape = LogLineFormat(shape: isText ? .text : .json, hasPriority: isRead(by: "JOURNAL_STREAM"))
        LogLevel.shared.set(level)
        var logger = Logger(label: "windlass") { _ in LineLogHandler(format: shape, sink: .shared) }
        logger[metadataKey: "host"] = "\(host)"
        return logger
    }

    /// Whether stderr is the stream of the journal, as systemd.exec(5) has programs find out.
    private static func isRead(by variable: String) -> Bool {
        #if os(Windows)
            return false
        #else
            var status = stat()
            guard let stream = ProcessInfo.processInfo.environment[variable], fstat(STDERR_FILENO, &status) == 0 else {
                return false
            }
            return stream == "\(status.st_dev):\(status.st_ino)"
        #endif
    }

    /// Has all that is written to stdout and stderr go to the end of a file; again where the file was moved away.
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
