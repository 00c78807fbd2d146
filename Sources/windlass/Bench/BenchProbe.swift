import Dispatch
import MessagePack
import Synchronization
import Threads
import ZeroMQ

/// Another peer, which asks without a pause while something else is measured: its longest wait is how long the worker's
/// loop was held.
final class BenchProbe: Sendable {
    private struct State {
        var isEnding = false
        var failure: (any Error)?
        var durations: [Double] = []
    }

    private let state = Mutex(State())
    private let begun = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Asks `method` on a thread of its own from now on. The first answer may have to wait for the worker.
    init(_ endpoint: String, _ method: String, _ parameters: Value = [:]) throws {
        let isStarted = SystemThread.start("bench-probe") { [self] in
            do {
                let peer = try BenchPeer(endpoint)
                func ask() throws {
                    let duration = try peer.ask(method, parameters).duration / .milliseconds(1)
                    self.state.withLock { $0.durations.append(duration) }
                }
                try ask()
                begun.signal()
                // At least once, however short the work is.
                repeat { try ask() } while !state.withLock { $0.isEnding }
            } catch {
                state.withLock { $0.failure = error }
                begun.signal()
            }
            ended.signal()
        }
        guard isStarted else { throw BenchFailure("no thread for a probe") }
    }

    /// Waits for the first answer, which may have had to wait for the connection.
    func awaitFirst() { begun.wait() }

    /// Ends it.
    /// - Returns: how long each answer took, in milliseconds and in order.
    func stop() throws -> [Double] {
        state.withLock { $0.isEnding = true }
        ended.wait()
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.durations
        }
    }
}
