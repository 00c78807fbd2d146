public import ContainerDriver
public import ContainerModel
import Dispatch
import Synchronization

/// Keeps what a process writes, and lets a test wait for it.
public final class RecordedOutput: ProcessOutput {
    private struct State {
        var bytes: [OutputStream: [UInt8]] = [:]
        var total: UInt64
        var ended: Set<OutputStream> = []
        var lost: UInt64 = 0
        var waiting: [DispatchSemaphore] = []
    }

    private let state: Mutex<State>

    /// - Parameter position: how many bytes an earlier worker was given.
    public init(position: UInt64 = 0) { state = Mutex(State(total: position)) }

    public func write(
        _ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, resume: @escaping @Sendable () -> Void
    ) -> Bool {
        change { state in
            state.bytes[stream, default: []].append(contentsOf: bytes)
            state.total += UInt64(bytes.count)
        }
        return true
    }

    public func lose(_ stream: OutputStream) { change { $0.lost += 1 } }

    public func lose(_ bytes: UInt64) {
        change { state in
            state.lost += bytes
            state.total += bytes
        }
    }

    public func end(_ stream: OutputStream) { change { _ = $0.ended.insert(stream) } }

    public var position: UInt64? { state.withLock(\.total) }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for semaphore in waiting { semaphore.signal() }
    }

    /// What came so far.
    public func bytes(_ stream: OutputStream = .stdout) -> [UInt8] { state.withLock { $0.bytes[stream] ?? [] } }
    /// The same as text.
    public func text(_ stream: OutputStream = .stdout) -> String { String(decoding: bytes(stream), as: UTF8.self) }
    /// The streams that have ended.
    public var ended: Set<OutputStream> { state.withLock(\.ended) }
    /// How many bytes are missing; one for an unknown amount.
    public var lost: UInt64 { state.withLock(\.lost) }

    /// Waits until a stream holds `text`.
    public func wait(for text: String, _ stream: OutputStream = .stdout) -> Bool {
        let deadline = DispatchTime.now() + .seconds(30)
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let found = state.withLock { state in
                let found = String(decoding: state.bytes[stream] ?? [], as: UTF8.self).contains(text)
                if !found { state.waiting.append(semaphore) }
                return found
            }
            if found { return true }
            guard semaphore.wait(timeout: deadline) == .success else { return false }
        }
    }
}
