public import ContainerProtocol
import MessagePack

/// Some bytes that a process wrote, or the end of one of its streams.
public struct OutputPiece: Sendable, Equatable {
    /// How many bytes a worker may send ahead of the reader.
    public static let window = 1 << 20

    let id: String
    let process: String
    /// Which stream they were written to.
    public let stream: OutputStream
    /// Offset of the first byte, over all streams of the process.
    public let offset: UInt64
    /// The bytes; none at the end of a stream.
    public let data: [UInt8]
    /// Whether the stream ends here. A worker tells ends after everything else, so that nothing follows on any stream.
    public let isEnd: Bool
    /// How many bytes before these were dropped because nobody had read them in time.
    public let dropped: UInt64

    init?(_ value: Value?) {
        guard let value, let id = value["id"]?.string, let process = value["process"]?.string,
            let stream = value["stream"]?.string.flatMap(OutputStream.init(rawValue:)),
            let offset = value["offset"]?.unsigned, let data = value["data"]?.binary
        else { return nil }
        self.id = id
        self.process = process
        self.stream = stream
        self.offset = offset
        self.data = data
        isEnd = value["eof"]?.bool ?? false
        dropped = value["dropped"]?.unsigned ?? 0
    }
}

/// Where to begin to read a process's output.
public enum OutputStart: Sendable, Equatable {
    /// At the oldest output that the worker keeps.
    case start
    /// At what is written from now on.
    case now
    /// At this offset, over all streams of the process.
    case offset(UInt64)

    var value: Value {
        switch self {
        case .start: "start"
        case .now: "now"
        case .offset(let offset): .unsigned(offset)
        }
    }
}
