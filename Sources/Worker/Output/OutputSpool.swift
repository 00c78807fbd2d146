import ContainerDriver
import ContainerModel
import DequeModule
import MessagePack
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

    /// Times are as exact as this.
    private static let resolution = Duration.milliseconds(1)

    /// Small writes are gathered in chunks of up to this size; the oldest output is dropped by the chunk.
    private let chunkSize: Int

    let state = Mutex(State())
    /// Where it is kept beyond the worker's life. Its lock is taken before the other one, and by writers only.
    private let file: LockedFile?
    let limit: Int
    let streams: Set<OutputStream>
    private let figures: OutputFigures?
    /// Called at most once between two reads, on any thread, and only while the spool is watched.
    private let onChange: @Sendable () -> Void
    private let clock: @Sendable () -> Timestamp

    /// - Parameter hasTerminal: a terminal has one stream only.
    /// - Parameter file: keeps it beyond the worker's life.
    /// - Parameter figures: counts what is written and dropped.
    init(
        limit: Int, hasTerminal: Bool, file: SpoolFile? = nil, figures: OutputFigures? = nil,
        clock: @escaping @Sendable () -> Timestamp = { .now }, onChange: @escaping @Sendable () -> Void
    ) {
        self.figures = figures
        self.limit = max(1, limit)
        self.clock = clock
        self.file = file.map { LockedFile($0) }
        chunkSize = limit >= 1 << 20 ? 64 * 1024 : max(1, min(16 * 1024, limit / 4))
        self.onChange = onChange
        streams = hasTerminal ? [.stdout] : [.stdout, .stderr]
    }

    // MARK: The driver's side

    func write(
        _ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, resume: @escaping @Sendable () -> Void
    ) -> Bool {
        guard !bytes.isEmpty else { return true }
        add(.bytes, to: stream, bytes)
        return state.withLock { state in
            guard state.heldFrom != nil, state.cost > limit, state.heldCost > 0 else { return true }
            state.stopped.append(resume)
            return false
        }
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

    /// So many bytes are missing: offsets go on behind the gap. The file shows it with what comes next.
    func lose(_ bytes: UInt64) {
        guard bytes > 0 else { return }
        let mustReport = state.withLock { state in
            state.end += bytes
            return signal(&state)
        }
        if mustReport { onChange() }
    }

    /// Unknown losses stand for no bytes that can be counted. Nil while what was kept is not here.
    var position: UInt64? {
        state.withLock { $0.isLoaded ? $0.end - UInt64($0.unknownLosses.count) : nil }
    }

    private func add(
        _ addition: Addition, to stream: OutputStream,
        _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        let mustReport: Bool
        if let file {
            mustReport = file.lock.withLock { file in
                let wasBehind = file.trouble != nil
                let mark = addition == .bytes ? dueMark() : nil
                // First the file: what anyone has seen is there for the next worker too, unless the file is behind.
                // Only writers move the end, and this lock lets one of them in at a time.
                if addition == .unknownLoss {
                    file.append(UnknownLoss(stream: stream, offset: endOffset))
                } else {
                    file.append(stream, offset: endOffset, bytes, isEnd: addition == .end, mark: mark)
                }
                let mustReport = enter(addition, to: stream, bytes, mark)
                file.rotateIfFull(endOffset)
                if file.isOverlong { file.rewrite(contents) }
                if !wasBehind, let trouble = file.trouble { file.store?.fellBehind(self, trouble) }
                return mustReport
            }
        } else {
            mustReport = enter(addition, to: stream, bytes, addition == .bytes ? dueMark() : nil)
        }
        if mustReport { onChange() }
    }

    /// The mark of bytes that are written now; nil where the last one is as good.
    private func dueMark() -> TimeMark? {
        let now = clock()
        return state.withLock { state in
            if let last = state.marks.last, now < last.time.advanced(by: OutputSpool.resolution) { return nil }
            return TimeMark(offset: state.end, time: now)
        }
    }

    /// - Returns: whether the change must be reported.
    private func enter(
        _ addition: Addition, to stream: OutputStream, _ bytes: UnsafeRawBufferPointer, _ mark: TimeMark?
    ) -> Bool {
        state.withLock { state in
            switch addition {
            case .bytes:
                let before = state.bytes
                if let mark { state.mark(mark) }
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
        state.withLock {
            SpoolContents($0.chunks, marks: Array($0.marks), losses: $0.unknownLosses, ended: $0.ended, end: $0.end)
        }
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
            state = State(
                isSignalled: written.isSignalled, isWatched: written.isWatched, heldFrom: written.heldFrom,
                stopped: written.stopped)
            for mark in kept.marks { state.mark(mark) }
            for mark in written.marks { state.mark(TimeMark(offset: kept.end + mark.offset, time: mark.time)) }
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
        state.trim(limit)
    }
}
