import DequeModule
import Synchronization
import ContainerModel
import DequeModule
import MessagePack
import Synchronization

/// The reader's side.
extension OutputSpool {
    /// The most chunks of one page: a program that writes byte by byte to two streams makes no huge reply.
    private static let pageChunks = 1024

    /// How many bytes are kept.
    var keptBytes: Int { state.withLock { $0.bytes } }

    /// Offset of the next byte that will be written.
    var endOffset: UInt64 { state.withLock { $0.end } }

    /// From now on `onChange` is called, or is not.
    func watch(_ isWatched: Bool) {
        state.withLock { state in
            state.isWatched = isWatched
            state.isSignalled = false
        }
    }

    /// Keeps all output from `offset` on, and has the process wait where that is too much; nil to let go.
    func hold(from offset: UInt64?) {
        let stopped = state.withLock { state -> [@Sendable () -> Void] in
            state.heldFrom = offset
            state.trim(limit)
            // Half of the room, so that a process does not stop and go with each of its writes.
            guard !state.stopped.isEmpty, offset == nil || state.heldCost <= limit / 2 else { return [] }
            defer { state.stopped = [] }
            return state.stopped
        }
        for resume in stopped { resume() }
    }

    /// Whether the process waits until output is read.
    var isStopped: Bool { state.withLock { !$0.stopped.isEmpty } }

    /// Nothing will be written any more: the container is down.
    func endAll() { for stream in streams { end(stream) } }

    /// What was written from `offset` on, at most `limit` bytes.
    /// - Parameter times: whether each piece says when it was written.
    /// - Returns: the pieces, the offset to go on at, which streams have ended, and whether all that was ever written
    ///   has been read.
    func read(
        from offset: UInt64, limit: Int, times: Bool = false
    ) -> (chunks: [Chunk], next: UInt64, ended: Set<OutputStream>, isEnd: Bool) {
        state.withLock { state in
            state.isSignalled = false
            guard state.isLoaded else { return ([], offset, [], false) }
            var chunks: [Chunk] = []
            var next = min(offset, state.end)
            var left = limit
            var index = state.firstChunk(after: next)
            while index < state.chunks.count, left > 0, chunks.count < OutputSpool.pageChunks {
                let chunk = state.chunks[index]
                let start = max(next, chunk.offset)
                let mark = times ? state.marks.before(start) : nil
                // Bytes that were written later are another piece.
                let bound = mark.flatMap { $0 + 1 < state.marks.count ? state.marks[$0 + 1].offset : nil } ?? .max
                let count = min(left, Int(min(chunk.end, bound) - start))
                // A whole chunk is shared and not copied.
                let data =
                    count == chunk.data.count
                    ? chunk.data : Array(chunk.data.dropFirst(Int(start - chunk.offset)).prefix(count))
                chunks.append(
                    Chunk(
                        stream: chunk.stream, offset: start, data: data, dropped: start - next,
                        isLossUnknown: state.hasUnknownLoss(next..<start),
                        time: mark.map { state.marks[$0].time }))
                next = start + UInt64(count)
                left -= count
                if next == chunk.end { index += 1 }
            }
            if next < state.end, next >= state.chunks.last?.end ?? 0 {
                // The newest is what was lost: the reader learns that although nothing comes after it yet.
                chunks.append(
                    Chunk(
                        stream: .stdout, offset: state.end, data: [], dropped: state.end - next,
                        isLossUnknown: state.hasUnknownLoss(next..<state.end)))
                next = state.end
            }
            let isEnd = next == state.end && state.ended.isSuperset(of: streams)
            return (chunks, next, state.ended, isEnd)
        }
    }

    /// The offset of what was written at `time` or later. Where output is gone that may be younger, that is 0, so that
    /// a reader sees the loss.
    func offset(of time: Timestamp) -> UInt64 {
        state.withLock { state in
            guard let index = state.marks.firstIndex(where: { $0.time >= time }) else { return state.end }
            return index == 0 ? 0 : state.marks[index].offset
        }
    }

    /// The offset at which the last `count` lines begin, of both streams together.
    func offset(ofLast count: Int) -> UInt64 {
        state.withLock { state in
            guard count > 0 else { return state.end }
            var left = count
            for chunk in state.chunks.reversed() {
                for (index, byte) in chunk.data.enumerated().reversed() where byte == UInt8(ascii: "\n") {
                    let after = chunk.offset + UInt64(index) + 1
                    // The last line's own end is not the end of one before it.
                    guard after < state.end else { continue }
                    left -= 1
                    if left == 0 { return after }
                }
            }
            return 0
        }
    }
}
