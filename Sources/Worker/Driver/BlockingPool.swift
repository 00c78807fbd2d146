import DequeModule
import Dispatch
import Synchronization
import Threads

/// The threads on which driver calls are made: they block, so they may run neither on the socket loop nor on Swift's
/// cooperative pool.
///
/// Threads are made when there is work for them, up to a limit. A call that was reported stuck gives its place to
/// another thread, so that hung calls do not use the pool up. Where the system has no thread to give, calls wait for
/// those that are there.
final class BlockingPool: Sendable {
    private struct State {
        var work = Deque<@Sendable () -> Void>()
        var threads = 0
        var idle = 0
        var stuck = 0
        var isStopping = false
        /// Threads that may come for the work that waits: not those that hang.
        var free: Int { threads - stuck }
    }

    private let state = Mutex(State())
    private let makeThread: ThreadMaker
    private let limit: Int
    private let stuckLimit: Int
    private let available = DispatchSemaphore(value: 0)

    /// Starts a thread that runs a body; false if the system gives none.
    typealias ThreadMaker = @Sendable (_ body: @escaping @Sendable () -> Void) -> Bool

    /// A pool of at most `limit` threads, and as many more as there are stuck calls, up to `stuckLimit`.
    init(
        limit: Int, stuckLimit: Int,
        makeThread: @escaping ThreadMaker = { SystemThread.start("driver-call", stackSize: 1 << 20, $0) }
    ) {
        self.makeThread = makeThread
        self.limit = max(1, limit)
        self.stuckLimit = stuckLimit
    }

    /// Runs `work` on a thread of the pool, in order of arrival.
    /// - Returns: false where the pool has no thread that could come for it, and the system gives none: it never runs.
    func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            if state.idle <= state.work.count, !addThread(&state), state.free <= 0 { return false }
            state.work.append(work)
            return true
        }
        if isTaken { available.signal() }
        return isTaken
    }

    /// A call has outlived its watchdog (`true`), or has come back after that (`false`).
    func noteStuck(_ isStuck: Bool) {
        state.withLock { state in
            state.stuck += isStuck ? 1 : -1
            if isStuck, !state.work.isEmpty { _ = addThread(&state) }
        }
    }

    /// How many calls are stuck now.
    var stuckCalls: Int { state.withLock { $0.stuck } }

    /// Lets idle threads end; calls that are under way end by themselves.
    func stop() {
        let threads = state.withLock { state in
            state.isStopping = true
            return state.threads
        }
        for _ in 0..<threads { available.signal() }
    }

    /// Under the lock, so that no work is left behind for a thread that then does not come.
    /// - Returns: whether there is one thread more.
    private func addThread(_ state: inout State) -> Bool {
        guard state.threads < limit + min(state.stuck, stuckLimit),
            makeThread({ [self] in while let work = next() { work() } })
        else { return false }
        state.threads += 1
        return true
    }

    /// Waits for work.
    /// - Returns: nil where this thread is not wanted any more.
    private func next() -> (@Sendable () -> Void)? {
        state.withLock { $0.idle += 1 }
        while true {
            available.wait()
            enum Step {
                case work(@Sendable () -> Void)
                case end, waitAgain
            }
            let step: Step = state.withLock { state in
                if let work = state.work.popFirst() {
                    state.idle -= 1
                    return .work(work)
                }
                // More threads than the limit are there only while calls are stuck.
                if state.isStopping || state.threads > limit + min(state.stuck, stuckLimit) {
                    state.idle -= 1
                    state.threads -= 1
                    return .end
                }
                return .waitAgain
            }
            switch step {
            case .work(let work): return work
            case .end: return nil
            case .waitAgain: continue
            }
        }
    }
}
