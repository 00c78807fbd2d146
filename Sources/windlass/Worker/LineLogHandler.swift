import ContainerModel
import Logging

/// Hands log records to a sink that never makes the caller wait, and formats them there.
struct LineLogHandler: LogHandler {
    let format: LogLineFormat
    let sink: LogSink
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level {
        get { LogLevel.shared.level }
        set { LogLevel.shared.set(newValue) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let (format, time) = (format, Timestamp.now)
        let metadata = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 })
        sink.write { format.line(event, metadata, at: time) }
    }
}
