import ContainerModel
import ContainerProtocol
import MessagePack

/// The one parameter of an `output` notification.
struct OutputNotification: WireEncodable {
    let id: ContainerID
    let process: ProcessName
    let chunk: OutputSpool.Chunk

    func encode(to writer: Writer) {
        let flags = [chunk.isEnd, chunk.dropped > 0, chunk.isLossUnknown, chunk.isHoldLost]
        writer.map(5 + flags.count(where: { $0 }))
        writer.string("id")
        writer.string(id.rawValue)
        writer.string("process")
        writer.string(process.rawValue)
        writer.string("stream")
        writer.string(chunk.stream.rawValue)
        writer.string("offset")
        writer.unsigned(chunk.offset)
        writer.string("data")
        chunk.data.withUnsafeBytes { writer.binary($0) }
        if chunk.isEnd {
            writer.string("eof")
            writer.bool(true)
        }
        if chunk.dropped > 0 {
            writer.string("dropped")
            writer.unsigned(chunk.dropped)
        }
        if chunk.isHoldLost {
            writer.string("lossless")
            writer.bool(false)
        }
        if chunk.isLossUnknown {
            writer.string("dropped_unknown")
            writer.bool(true)
        }
    }
}
