import ContainerModel
import DequeModule
import MessagePack

extension OutputSpool {
    /// What is in memory.
    struct State {
        /// What a chunk costs besides its bytes.
        static let chunkCost = 64
        private static let markCost = 24

        var chunks = Deque<Chunk>()
        var bytes = 0
        /// Offset of the next byte.
        var end: UInt64 = 0
        var ended: Set<OutputStream> = []
        var unknownLosses: [UnknownLoss] = []
        /// The streams of which nothing has come since their last unknown loss.
        var silent: Set<OutputStream> = []
        var isSignalled = false
        var isWatched = false
        /// When what is kept was written, in the order of offsets; times never go backwards.
        var marks = Deque<TimeMark>()
        /// Whether what a worker before this one kept is here.
        var isLoaded = true
        /// Output from this offset on is kept whatever it costs; nil where no reader asks for every byte.
        var heldFrom: UInt64?
        /// Streams that the driver has stopped reading.
        var stopped: [@Sendable () -> Void] = []

        mutating func advance(_ count: Int) {
            end += UInt64(count)
            bytes += count
        }

        func hasUnknownLoss(_ range: Range<UInt64>) -> Bool { unknownLosses.contains { range.contains($0.offset) } }

        /// What the chunks cost: many small ones cost more than their bytes.
        var cost: Int {
            bytes + chunks.count * State.chunkCost + max(0, marks.count - chunks.count) * State.markCost
        }

        /// Notes when the bytes at `offset` were written; what comes within a millisecond has one mark.
        mutating func mark(_ mark: TimeMark) {
            let last = marks.last?.time ?? .epoch
            marks.append(TimeMark(offset: mark.offset, time: max(mark.time, last)))
        }

        /// What the chunks cost that are held.
        var heldCost: Int {
            guard let from = heldFrom else { return 0 }
            let count = chunks.count - firstChunk(after: from)
            guard count > 0 else { return 0 }
            return Int(clamping: end - min(from, end)) + count * State.chunkCost
        }

        /// The first chunk that has bytes after `offset`: by halving, since a spool has many chunks.
        func firstChunk(after offset: UInt64) -> Int {
            var low = 0
            var high = chunks.count
            while low < high {
                let middle = (low + high) / 2
                if chunks[middle].end <= offset { low = middle + 1 } else { high = middle }
            }
            return low
        }

        /// Drops the oldest output where there is more than `limit`, but none that is held.
        mutating func trim(_ limit: Int) {
            while cost > limit, chunks.count > 1, let oldest = chunks.first, oldest.end <= heldFrom ?? .max {
                chunks.removeFirst()
                bytes -= oldest.data.count
                while marks.count > 1, marks[1].offset <= oldest.end { marks.removeFirst() }
            }
        }
    }
}
