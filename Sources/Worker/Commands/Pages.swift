import ContainerModel
import ContainerProtocol
import MessagePack

/// A page of records, with what the reply has besides them: the result of `list` and of `snapshot`.
struct RecordPage: WireEncodable {
    /// How many records there are.
    let count: Int
    /// The records, encoded one behind another: while they were gathered, so that the time for it is part of the slice.
    let records: [UInt8]
    /// The id to go on after; nil where no record follows.
    let next: String?
    /// `snapshot`: the number of the newest event, and of this start of the worker.
    var position: (lastSequence: UInt64, epoch: UInt64)?

    func encode(to writer: Writer) {
        writer.map(1 + (next == nil ? 0 : 1) + (position == nil ? 0 : 2))
        writer.string("containers")
        writer.array(count)
        writer.encoded(records)
        if let position {
            writer.string("last_seq")
            writer.unsigned(position.lastSequence)
            writer.string("epoch")
            writer.unsigned(position.epoch)
        }
        guard let next else { return }
        writer.string("next")
        writer.string(next)
    }
}

/// The result of `events`.
struct EventPage: WireEncodable {
    /// Encoded bodies.
    let events: [[UInt8]]
    let lastSequence: UInt64
    let oldestSequence: UInt64

    func encode(to writer: Writer) {
        writer.map(3)
        writer.string("events")
        writer.array(events.count)
        for event in events { writer.encoded(event) }
        writer.string("last_seq")
        writer.unsigned(lastSequence)
        writer.string("oldest_seq")
        writer.unsigned(oldestSequence)
    }
}
