import ContainerProtocol
import DequeModule
import Foundation

/// Keeps the newest events in memory, and the epoch in the state directory.
final class MemoryEventLog: EventLog {
    let epoch: UInt64
    private(set) var lastSequence: UInt64 = 0
    private var events = Deque<RecordedEvent>()
    private var bytes = 0
    private let limit: Int
    /// Events that are kept have no more bytes than this, however many they may be.
    private static let byteLimit = 128 << 20

    /// - Throws: where the epoch cannot be read or kept.
    init(stateDirectory: String, limit: Int) throws {
        self.limit = limit
        epoch = try Epoch.next(in: stateDirectory)
    }

    var oldestSequence: UInt64 { events.first?.seq ?? lastSequence + 1 }

    func append(_ new: [RecordedEvent], kept: @escaping () -> Void) {
        for event in new {
            events.append(event)
            bytes += event.body.count
            lastSequence = event.seq
        }
        while events.count > limit || bytes > MemoryEventLog.byteLimit, let oldest = events.popFirst() {
            bytes -= oldest.body.count
        }
        kept()
    }

    func read(
        after sequence: UInt64, limit: Int, bytes: Int, where isWanted: (RecordedEvent) -> Bool
    ) -> [RecordedEvent] {
        guard let oldest = events.first else { return [] }
        // Sequence numbers have no gaps, so that the place of one is known.
        let first = sequence < oldest.seq ? 0 : Int(min(sequence - oldest.seq + 1, UInt64(events.count)))
        var page: [RecordedEvent] = []
        var left = bytes
        for event in events[first...] where isWanted(event) {
            guard page.count < limit, left > 0 else { break }
            page.append(event)
            left -= event.body.count
        }
        return page
    }
}

/// The number of a worker's start, kept in the file `epoch` of its state directory.
enum Epoch {
    /// What is wrong with the file.
    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// Counts this start.
    static func next(in directory: String) throws -> UInt64 {
        let file = URL(fileURLWithPath: directory).appendingPathComponent("epoch")
        var last: UInt64 = 0
        if FileManager.default.fileExists(atPath: file.path) {
            let text = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let number = UInt64(text), number < .max else {
                throw Unreadable(
                    description:
                        "\(file.path) does not hold a number; restore it, or remove it to begin again at epoch 1")
            }
            last = number
        }
        try Data("\(last + 1)\n".utf8).write(to: file, options: .atomic)
        return last + 1
    }
}
