import ContainerDriver
import ContainerProtocol
import DequeModule
import Synchronization

/// What one process wrote, in order, the newest `limit` bytes of it.
///
/// Offsets count the bytes of both streams together from the process's start. The driver appends from its own threads
/// and never waits: what is over the limit is dropped, oldest first, and the loss can be seen by whoever reads there.
final class OutputSpool: ProcessOutput {
    /// A piece of one stream.
    struct Chunk: Sendable, Equatable {
        var stream: OutputStream
        var offset: UInt64
        var data: [UInt8]
        /// How many bytes before `offset` the reader asked for and cannot have any more.
        var dropped: UInt64 = 0
        /// Whether the stream ends here.
        var isEnd = false
    }

    private final class LockedFile: Sendable {
        let lock: Mutex<SpoolFile>
        init(_ file: SpoolFile) { lock = Mutex(file) }
    }

    private struct State {
        var chunks = Deque<Chunk>()
        var bytes = 0
        /// Offset of the next byte.
        var end: UInt64 = 0
        var ended: Set<OutputStream> = []
        var isSignalled = false
        var isWatched = false

        mutating func advance(_ count: Int) {
            end += UInt64(count)
            bytes += count
        }

        /// What the chunks cost: many small ones cost more than their bytes.
        var cost: Int { bytes + chunks.count * OutputSpool.chunkCost }
    }

    /// The most chunks of one page: a program that writes byte by byte to two streams makes no huge reply.
    private static let pageChunks = 1024
    /// What a chunk costs besides its bytes.
    private static let chunkCost = 64

    /// Small writes are gathered in chunks of up to this size; the oldest output is dropped by the chunk.
    private let chunkSize: Int

    private let state = Mutex(State())
    /// Where it is kept beyond the worker's life. Its lock is taken before the other one, and by writers only.
    private let file: LockedFile?
    private let limit: Int
    private let streams: Set<OutputStream>
    /// Called at most once between two reads, on any thread, and only while someone watches.
    private let onChange: @Sendable () -> Void

    /// - Parameter hasTerminal: a terminal has one stream only.
    /// - Parameter file: keeps it beyond the worker's life.
    init(limit: Int, hasTerminal: Bool, file: SpoolFile? = nil, onChange: @escaping @Sendable () -> Void) {
        self.limit = max(1, limit)
        self.file = file.map { LockedFile($0) }
        chunkSize = max(1, min(16 * 1024, limit / 4))
        self.onChange = onChange
        streams = hasTerminal ? [.stdout] : [.stdout, .stderr]
    }

    // MARK: The driver's side

    func write(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        change(stream, bytes, isEnd: false)
    }

    func end(_ stream: OutputStream) {
        let isNew = state.withLock { !$0.ended.contains(stream) }
        if isNew { change(stream, UnsafeRawBufferPointer(start: nil, count: 0), isEnd: true) }
    }

    private func change(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, isEnd: Bool) {
        let mustTell: Bool
        if let file {
            mustTell = file.lock.withLock { file in
                // First the file: what anyone has seen is there for the next worker too. Only writers move the end, and
                // this lock lets one of them in at a time.
                file.append(stream, offset: endOffset, bytes, isEnd: isEnd)
                let mustTell = enter(stream, bytes, isEnd: isEnd)
                if file.isOverlong {
                    let (chunks, ended, end) = state.withLock { ($0.chunks, $0.ended, $0.end) }
                    file.rewrite(chunks, ended: ended, end: end)
                }
                return mustTell
            }
        } else {
            mustTell = enter(stream, bytes, isEnd: isEnd)
        }
        if mustTell { onChange() }
    }

    /// - Returns: whether someone is to be told.
    private func enter(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, isEnd: Bool) -> Bool {
        state.withLock { state in
            append(stream, bytes, to: &state)
            if isEnd { state.ended.insert(stream) }
            return signal(&state)
        }
    }

    /// Takes up what a worker before this one kept. Before anything is written.
    func load() {
        file?.lock.withLock { file in
            let kept = file.load()
            state.withLock { state in
                guard state.end == 0 else { return }
                for chunk in kept.chunks {
                    // Where the worker before this one had dropped some, offsets go on behind the gap.
                    state.end = max(state.end, chunk.offset)
                    chunk.data.withUnsafeBytes { append(chunk.stream, $0, to: &state) }
                }
                state.end = max(state.end, kept.end)
                state.ended = kept.ended
            }
        }
    }

    /// Its file goes: nobody will ask for it again.
    func removeFile() { file?.lock.withLock { $0.remove() } }

    private func signal(_ state: inout State) -> Bool {
        guard state.isWatched, !state.isSignalled else { return false }
        state.isSignalled = true
        return true
    }

    private func append(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, to state: inout State) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let last = state.chunks.count - 1
            let room = last >= 0 && state.chunks[last].stream == stream ? chunkSize - state.chunks[last].data.count : 0
            if room > 0 {
                state.chunks[last].data.append(contentsOf: rest.prefix(room))
                state.advance(min(room, rest.count))
                rest = rest.dropFirst(room)
            } else {
                let data = Array(rest.prefix(chunkSize))
                state.chunks.append(Chunk(stream: stream, offset: state.end, data: data))
                state.advance(data.count)
                rest = rest.dropFirst(data.count)
            }
        }
        while state.cost > limit, state.chunks.count > 1, let oldest = state.chunks.popFirst() {
            state.bytes -= oldest.data.count
        }
    }

    // MARK: The reader's side

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

    /// Nothing will be written any more: the container is down.
    func endAll() { for stream in streams { end(stream) } }

    /// What was written from `offset` on, at most `limit` bytes.
    /// - Returns: the pieces, the offset to go on at, which streams have ended, and whether all that was ever written
    ///   has been read.
    func read(from offset: UInt64, limit: Int) -> (chunks: [Chunk], next: UInt64, ended: Set<OutputStream>, isEnd: Bool)
    {
        state.withLock { state in
            state.isSignalled = false
            var chunks: [Chunk] = []
            var next = min(offset, state.end)
            var left = limit
            for index in firstChunk(after: next, in: state)..<state.chunks.count {
                guard left > 0, chunks.count < OutputSpool.pageChunks else { break }
                let chunk = state.chunks[index]
                let skipped = next > chunk.offset ? Int(next - chunk.offset) : 0
                let data = Array(chunk.data.dropFirst(skipped).prefix(left))
                let start = chunk.offset + UInt64(skipped)
                chunks.append(Chunk(stream: chunk.stream, offset: start, data: data, dropped: start - next))
                next = start + UInt64(data.count)
                left -= data.count
            }
            let isEnd = next == state.end && state.ended.isSuperset(of: streams)
            return (chunks, next, state.ended, isEnd)
        }
    }

    /// The first chunk that has bytes after `offset`: by halving, since a spool has many chunks.
    private func firstChunk(after offset: UInt64, in state: State) -> Int {
        var low = 0
        var high = state.chunks.count
        while low < high {
            let middle = (low + high) / 2
            let chunk = state.chunks[middle]
            if chunk.offset + UInt64(chunk.data.count) <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
