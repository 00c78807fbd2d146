import CHostCompute
import ContainerDriver
import ContainerModel
import Synchronization

/// The standard streams of all processes, behind the C side's one thread.
final class StreamReactor: Sendable {
    static let shared = StreamReactor()

    /// Whose stream it is.
    private enum Sink {
        case reader(any ProcessOutput, OutputStream)
        /// Called when the local end is closed; true if all input had been written before.
        case writer(@Sendable (Bool) -> Void)
    }

    private struct Entry {
        var sink: Sink
        /// 0 until the C side has returned it.
        var stream: hc_stream = 0
        /// Whether it is to be read again as soon as `stream` is known.
        var isResumeDue = false
    }

    private struct State {
        var next: UInt64 = 1
        var entries: [UInt64: Entry] = [:]
    }
    private let state = Mutex(State())

    private init() {}

    /// Starts the C side where it does not run yet: a host that could not give it a thread may have one now.
    private func start() -> Int32 {
        hc_streams_start { cookie, event, bytes, length in
            StreamReactor.shared.handle(cookie, event, UnsafeRawBufferPointer(start: bytes, count: length))
        }
    }

    /// Reads a standard handle from now on; takes the handle over in any case.
    func read(
        _ handle: UInt, _ stream: OutputStream, into output: any ProcessOutput
    ) throws(HostComputeError) -> hc_stream {
        try open(handle, .reader(output, stream), hc_stream_read)
    }

    /// Makes a standard handle one to write to; takes the handle over in any case.
    func openWriter(_ handle: UInt, ended: @escaping @Sendable (Bool) -> Void) throws(HostComputeError) -> hc_stream {
        try open(handle, .writer(ended), hc_stream_open_writer)
    }

    private func open(
        _ handle: UInt, _ sink: Sink, _ open: (hc_handle, UInt64, UnsafeMutablePointer<hc_stream>?) -> Int32
    ) throws(HostComputeError) -> hc_stream {
        let startError = start()
        guard startError == 0 else {
            hc_handle_close(handle)
            throw HostComputeError("opening a stream", .exhausted(error: startError))
        }
        // Known before the first event can come.
        let cookie = state.withLock { state in
            let cookie = state.next
            state.next += 1
            state.entries[cookie] = Entry(sink: sink)
            return cookie
        }
        var stream: hc_stream = 0
        let error = open(handle, cookie, &stream)
        guard error == 0 else {
            forget(cookie)
            throw HostComputeError("opening a stream", .exhausted(error: error))
        }
        let isResumeDue = state.withLock { state in
            state.entries[cookie]?.stream = stream
            return state.entries[cookie]?.isResumeDue ?? false
        }
        if isResumeDue { hc_stream_resume(stream) }
        return stream
    }

    /// Reads a stream again that its output had stopped.
    private func resume(_ cookie: UInt64) {
        let stream = state.withLock { state in
            let stream = state.entries[cookie]?.stream ?? 0
            if stream == 0 { state.entries[cookie]?.isResumeDue = true }
            return stream
        }
        if stream != 0 { hc_stream_resume(stream) }
    }

    private func forget(_ cookie: UInt64) {
        let removed = state.withLock { $0.entries.removeValue(forKey: cookie) }
        _ = removed
    }

    /// - Returns: whether the stream is read on.
    private func handle(_ cookie: UInt64, _ event: hc_stream_event, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let last = event != HC_STREAM_BYTES
        let sink = state.withLock { last ? $0.entries.removeValue(forKey: cookie)?.sink : $0.entries[cookie]?.sink }
        switch sink {
        case .reader(let output, let stream):
            guard last else { return output.write(stream, bytes) { StreamReactor.shared.resume(cookie) } }
            output.end(stream)
        case .writer(let ended):
            ended(event == HC_STREAM_DRAINED)
        case nil:
            break
        }
        return true
    }

    /// How many streams are known; for tests that look for leaks.
    var count: Int { state.withLock { $0.entries.count } }
}
