import Dispatch
import Foundation
import Synchronization
import Threads

/// Writes lines to stderr on a thread of its own: the worker logs from its socket loop, and a reader of the logs that
/// has stopped reading may not stop the worker. Lines beyond a bound are dropped, and their number is written later.
final class LogSink: Sendable {
    static let shared = LogSink()

    private struct State {
        var waiting = 0
        var dropped = 0
    }

    /// The most lines that wait.
    private static let limit = 1000
    private let state = Mutex(State())
    /// None where the system has none to give: lines are then written where they come up.
    private let thread = WorkThread("log")

    /// Writes a line that `line` makes, on the sink's thread.
    func write(_ line: @escaping @Sendable () -> Data?) {
        let isTaken = state.withLock { state in
            guard state.waiting < LogSink.limit else {
                state.dropped += 1
                return false
            }
            state.waiting += 1
            return true
        }
        guard isTaken else { return }
        run { [self] in
            // A reader that has gone is no reason to stop working.
            if let line = line() { try? FileHandle.standardError.write(contentsOf: line) }
            let dropped = state.withLock { state in
                state.waiting -= 1
                defer { state.dropped = 0 }
                return state.dropped
            }
            if dropped > 0 {
                try? FileHandle.standardError.write(contentsOf: Data("\(dropped) log lines were dropped\n".utf8))
            }
        }
    }

    private func run(_ work: @escaping @Sendable () -> Void) {
        if let thread { thread.run(work) } else { work() }
    }

    /// Waits until what was logged has been written, for a moment at most.
    func flush() {
        let done = DispatchSemaphore(value: 0)
        run { done.signal() }
        _ = done.wait(timeout: .now() + 1)
    }
}
