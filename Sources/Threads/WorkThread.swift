import Dispatch
import Synchronization

/// One thread that runs the work it is given, in order of arrival.
///
/// A dispatch queue does the same until the system has no thread to give; the caller that adds work then blocks,
/// perhaps for ever. This object has its thread from the beginning. The thread ends with this object, after all work is
/// done.
public final class WorkThread: Sendable {
    private final class Line: Sendable {
        struct State {
            var work: [@Sendable () -> Void] = []
            var isEnding = false
        }

        let state = Mutex(State())
        let changed = DispatchSemaphore(value: 0)

        func serve() {
            while true {
                changed.wait()
                let (work, isEnding) = state.withLock { state in
                    defer { state.work = [] }
                    return (state.work, state.isEnding)
                }
                for work in work { work() }
                if isEnding { return }
            }
        }
    }

    private let line = Line()

    /// - Returns: nil where the system has no thread to give.
    public init?(_ name: String) {
        guard SystemThread.start(name, { [line] in line.serve() }) else { return nil }
    }

    deinit {
        line.state.withLock { $0.isEnding = true }
        line.changed.signal()
    }

    /// Runs `work` after what came before it.
    public func run(_ work: @escaping @Sendable () -> Void) {
        line.state.withLock { $0.work.append(work) }
        line.changed.signal()
    }
}
