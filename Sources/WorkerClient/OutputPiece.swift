public import ContainerModel
import MessagePack

/// Some bytes that a process wrote, or the end of one of its streams.
public struct OutputPiece: Sendable, Equatable {
    /// How many bytes a worker may send ahead of the reader.
    public static let window = 1 << 20

    let id: String
    let process: String
    /// The stream that the bytes were written to.
    public let stream: OutputStream
    /// Offset of the first byte, over all streams of the process.
    public private(set) var offset: UInt64
    /// The bytes; none at the end of a stream.
    public private(set) var data: [UInt8]
    /// Whether the stream ends here. A worker reports ends after all output, so no bytes follow on any stream.
    public let isEnd: Bool
    /// How many bytes before these were dropped because they were not read in time.
    public private(set) var dropped: UInt64
    /// Whether an unknown amount of output is missing as well, because it was lost when the worker was restarted.
    /// ``dropped`` counts it as one byte.
    public private(set) var isLossUnknown: Bool
    /// Whether the process does not wait for this reader any more: from here on output may be dropped before it is read.
    /// Such a piece has no data.
    public let isHoldLost: Bool
    /// Whether a restarted worker has lost the offsets of this process's output. Offsets begin again with this piece,
    /// and output between it and the piece before is lost.
    public internal(set) var isRestart = false

    init?(_ value: Value?) {
        guard let value, let id = value["id"]?.string, let process = value["process"]?.string,
            let stream = value["stream"]?.string.flatMap(OutputStream.init(rawValue:)),
            let offset = value["offset"]?.unsigned, let data = value["data"]?.binary,
            !offset.addingReportingOverflow(UInt64(data.count)).overflow
        else { return nil }
        self.id = id
        self.process = process
        self.stream = stream
        self.offset = offset
        self.data = data
        isEnd = value["eof"]?.bool ?? false
        dropped = value["dropped"]?.unsigned ?? 0
        isLossUnknown = value["dropped_unknown"]?.bool ?? false
        isHoldLost = value["lossless"]?.bool == false
    }

    /// The part that begins at `reached` or later; nil where there is none.
    func after(_ reached: UInt64) -> OutputPiece? {
        var piece = self
        if offset < reached {
            let seen = reached - offset
            guard seen < UInt64(data.count) || isEnd || isHoldLost else { return nil }
            piece.data = Array(data.dropFirst(Int(clamping: seen)))
            piece.offset = reached
            piece.dropped = 0
            piece.isLossUnknown = false
        } else {
            piece.dropped = max(dropped, offset - reached)
        }
        return piece
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
