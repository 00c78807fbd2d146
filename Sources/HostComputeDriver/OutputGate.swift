import ContainerDriver
import ContainerModel
import Synchronization

/// Passes a process's output on, each stream's end once; after it is closed, no end any more: the process has not ended
/// its output, only this side has let go of it.
final class OutputGate: ProcessOutput {
    private struct State {
        var ended: Set<OutputStream> = []
        var closed = false
    }

    private let output: any ProcessOutput
    private let state = Mutex(State())

    init(_ output: any ProcessOutput) { self.output = output }

    func write(
        _ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, resume: @escaping @Sendable () -> Void
    ) -> Bool {
        output.write(stream, bytes, resume: resume)
    }

    func lose(_ stream: OutputStream) { output.lose(stream) }

    func end(_ stream: OutputStream) {
        let passes = state.withLock { state in
            !state.closed && state.ended.insert(stream).inserted
        }
        if passes { output.end(stream) }
    }

    /// From now on ends are not passed on.
    func close() { state.withLock { $0.closed = true } }

    /// Takes over what has ended before.
    func resume(_ former: OutputGate) {
        let ended = former.state.withLock { $0.ended }
        state.withLock { $0.ended.formUnion(ended) }
    }
}
