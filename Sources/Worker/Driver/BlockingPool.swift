import DequeModule
import Foundation
import Synchronization

/// The threads on which driver calls are made: they block, so they may run neither on the socket loop nor on Swift's
/// cooperative pool.
///
/// Threads are made when there is work for them, up to a limit. A call that was reported stuck gives its place to
/// another thread, so that hung calls do not use the pool up.
final class BlockingPool: Sendable {
    private struct State {
        var work = Deque<@Sendable () -> Void>()
        var threads = 0
        var idle = 0
        var stuck = 0
        var isStopping = false
    }

    private let state = Mutex(State())
    private let limit: Int
    private let stuckLimit: Int
    private let available = DispatchSemaphore(value: 0)

    /// A pool of at most `limit` threads, and as many more as there are stuck calls, up to `stuckLimit`.
    init(limit: Int, stuckLimit: Int) {
        self.limit = max(1, limit)
        self.stuckLimit = stuckLimit
    }

    /// Runs `work` on a thread of the pool, in order of arrival.
    func run(_ work: @escaping @Sendable () -> Void) {
        let needsThread = state.withLock { state in
            state.work.append(work)
            if state.idle >= state.work.count { return false }
            guard state.threads < limit + min(state.stuck, stuckLimit) else { return false }
            state.threads += 1
            return true
        }
        if needsThread { startThread() }
        available.signal()
    }

    /// A call has outlived its watchdog (`true`), or has come back after that (`false`).
    func noteStuck(_ isStuck: Bool) {
        let needsThread = state.withLock { state in
            state.stuck += isStuck ? 1 : -1
            guard isStuck, !state.work.isEmpty, state.threads < limit + min(state.stuck, stuckLimit) else {
                return false
            }
            state.threads += 1
            return true
        }
        if needsThread { startThread() }
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

    private func startThread() {
        let thread = Thread { [self] in
            while let work = next() { work() }
        }
        thread.name = "driver-call"
        thread.stackSize = 1 << 20
        thread.start()
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
