import ContainerDriver
import ContainerProtocol
import DequeModule
import Synchronization

/// What one process wrote, in order, the newest `limit` bytes of it.
///
/// Offsets count the bytes of both streams together from the process's start. The driver appends from its own threads
/// and never waits: what is over the limit is dropped, oldest first, and readers see the loss.
final class OutputSpool: ProcessOutput {
    private final class LockedFile: Sendable {
        let lock: Mutex<SpoolFile>
        init(_ file: SpoolFile) { lock = Mutex(file) }
    }

    /// What is added to a stream.
    private enum Addition { case bytes, end, unknownLoss }

    private struct State {
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
        /// Whether what a worker before this one kept is here.
        var isLoaded = true

        mutating func advance(_ count: Int) {
            end += UInt64(count)
            bytes += count
        }

        func hasUnknownLoss(_ range: Range<UInt64>) -> Bool { unknownLosses.contains { range.contains($0.offset) } }

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
    private let figures: OutputFigures?
    /// Called at most once between two reads, on any thread, and only while the spool is watched.
    private let onChange: @Sendable () -> Void

    /// - Parameter hasTerminal: a terminal has one stream only.
    /// - Parameter file: keeps it beyond the worker's life.
    /// - Parameter figures: counts what is written and dropped.
    init(
        limit: Int, hasTerminal: Bool, file: SpoolFile? = nil, figures: OutputFigures? = nil,
        onChange: @escaping @Sendable () -> Void
    ) {
        self.figures = figures
        self.limit = max(1, limit)
        self.file = file.map { LockedFile($0) }
        chunkSize = max(1, min(16 * 1024, limit / 4))
        self.onChange = onChange
        streams = hasTerminal ? [.stdout] : [.stdout, .stderr]
    }

    // MARK: The driver's side

    func write(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        add(.bytes, to: stream, bytes)
    }

    func end(_ stream: OutputStream) {
        let isNew = state.withLock { !$0.ended.contains(stream) }
        if isNew { add(.end, to: stream) }
    }

    /// An unknown amount is missing: one byte stands for it, so that offsets go on behind a gap. Where nothing has come
    /// since the last loss of the stream, it is the same one.
    func lose(_ stream: OutputStream) {
        let isNew = state.withLock { !$0.silent.contains(stream) }
        if isNew { add(.unknownLoss, to: stream) }
    }

    private func add(
        _ addition: Addition, to stream: OutputStream,
        _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        let mustReport: Bool
        if let file {
            mustReport = file.lock.withLock { file in
                let wasBehind = file.trouble != nil
                // First the file: what anyone has seen is there for the next worker too, unless the file is behind.
                // Only writers move the end, and this lock lets one of them in at a time.
                if addition == .unknownLoss {
                    file.append(UnknownLoss(stream: stream, offset: endOffset))
                } else {
                    file.append(stream, offset: endOffset, bytes, isEnd: addition == .end)
                }
                let mustReport = enter(addition, to: stream, bytes)
                if file.isOverlong { file.rewrite(contents) }
                if !wasBehind, let trouble = file.trouble { file.store?.fellBehind(self, trouble) }
                return mustReport
            }
        } else {
            mustReport = enter(addition, to: stream, bytes)
        }
        if mustReport { onChange() }
    }

    /// - Returns: whether the change must be reported.
    private func enter(_ addition: Addition, to stream: OutputStream, _ bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            switch addition {
            case .bytes:
                let before = state.bytes
                append(stream, bytes, to: &state)
                figures?.wrote(bytes.count, dropped: before + bytes.count - state.bytes)
                state.silent.remove(stream)
            case .end:
                state.ended.insert(stream)
            case .unknownLoss:
                state.unknownLosses.append(UnknownLoss(stream: stream, offset: state.end))
                state.silent.insert(stream)
                state.end += 1
            }
            return signal(&state)
        }
    }

    private var contents: SpoolContents {
        state.withLock { SpoolContents($0.chunks, losses: $0.unknownLosses, ended: $0.ended, end: $0.end) }
    }

    // MARK: The file

    /// Loads the output that the previous worker kept. If the file cannot be read now, loading is retried; until then a
    /// reader finds neither output nor an end.
    func load() {
        file?.lock.withLock { file in
            state.withLock { $0.isLoaded = false }
            load(&file)
            if let trouble = file.trouble { file.store?.fellBehind(self, trouble) }
        }
    }

    private func load(_ file: inout SpoolFile) {
        guard let kept = file.load() else { return }
        state.withLock { state in
            // What was written meanwhile comes behind it.
            let written = state
            state = State(isSignalled: written.isSignalled, isWatched: written.isWatched)
            for chunk in kept.chunks { append(chunk, at: chunk.offset, to: &state) }
            for chunk in written.chunks { append(chunk, at: kept.end + chunk.offset, to: &state) }
            state.unknownLosses = kept.losses
            state.unknownLosses += written.unknownLosses.map {
                UnknownLoss(stream: $0.stream, offset: kept.end + $0.offset)
            }
            state.silent = kept.silent.subtracting(written.chunks.map(\.stream)).union(written.silent)
            state.end = kept.end + written.end
            state.ended = kept.ended.union(written.ended)
        }
    }

    /// Brings the file up to what was written.
    /// - Returns: why that cannot be done; nil where the file has everything.
    func catchUp() -> String? {
        guard let file else { return nil }
        let (trouble, mustReport) = file.lock.withLock { file in
            guard file.trouble != nil else { return (nil as String?, false) }
            guard !state.withLock({ $0.isLoaded }) else {
                file.rewrite(contents)
                return (file.trouble, false)
            }
            load(&file)
            guard state.withLock({ $0.isLoaded }) else { return (file.trouble, false) }
            file.rewrite(contents)
            return (file.trouble, state.withLock { signal(&$0) })
        }
        if mustReport { onChange() }
        return trouble
    }

    /// Its file goes: it will not be asked for again.
    func removeFile() { file?.lock.withLock { $0.remove() } }

    private func signal(_ state: inout State) -> Bool {
        guard state.isWatched, !state.isSignalled else { return false }
        state.isSignalled = true
        return true
    }

    /// Where output was dropped, offsets go on behind the gap.
    private func append(_ chunk: Chunk, at offset: UInt64, to state: inout State) {
        state.end = offset
        chunk.data.withUnsafeBytes { append(chunk.stream, $0, to: &state) }
    }

    private func append(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, to state: inout State) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let last = state.chunks.count - 1
            let goesOn = last >= 0 && state.chunks[last].stream == stream && state.chunks[last].end == state.end
            let room = goesOn ? chunkSize - state.chunks[last].data.count : 0
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
            guard state.isLoaded else { return ([], offset, [], false) }
            var chunks: [Chunk] = []
            var next = min(offset, state.end)
            var left = limit
            for index in firstChunk(after: next, in: state)..<state.chunks.count {
                guard left > 0, chunks.count < OutputSpool.pageChunks else { break }
                let chunk = state.chunks[index]
                let skipped = next > chunk.offset ? Int(next - chunk.offset) : 0
                let data = Array(chunk.data.dropFirst(skipped).prefix(left))
                let start = chunk.offset + UInt64(skipped)
                chunks.append(
                    Chunk(
                        stream: chunk.stream, offset: start, data: data, dropped: start - next,
                        isLossUnknown: state.hasUnknownLoss(next..<start)))
                next = start + UInt64(data.count)
                left -= data.count
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

    /// The first chunk that has bytes after `offset`: by halving, since a spool has many chunks.
    private func firstChunk(after offset: UInt64, in state: State) -> Int {
        var low = 0
        var high = state.chunks.count
        while low < high {
            let middle = (low + high) / 2
            if state.chunks[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
