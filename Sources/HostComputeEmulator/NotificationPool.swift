import Dispatch
import Glibc
import Synchronization

/// The threads that complete operations and deliver notifications.
///
/// A callback is foreign code and may block, so a job never waits for another: while every thread is busy a new one is
/// started, up to a limit that only a host full of blocked callbacks reaches. Idle threads end after a while.
///
/// A job is handed to the thread that went idle last, past the queue: its stack is warm, and it need not come to the
/// lock to fetch what it was woken for.
final class NotificationPool: Sendable {
    typealias Job = @Sendable () -> Void

    private static let maximumThreads = 256
    private static let idleSeconds = 10
    private static let stackSize = 512 * 1024

    /// One thread of the pool.
    private final class Worker: Sendable {
        let wake = DispatchSemaphore(value: 0)
        let job = Mutex<Job?>(nil)
    }

    private struct State {
        var idle: [Worker] = []
        var threads = 0
        /// Jobs that found every thread busy and no further one to be had, oldest last.
        var waiting: [Job] = []
    }

    private let state = Mutex(State())

    func submit(_ job: @escaping Job) {
        let (worker, start) = state.withLock { state -> (Worker?, Bool) in
            if let worker = state.idle.popLast() { return (worker, false) }
            guard state.threads < NotificationPool.maximumThreads else {
                state.waiting.insert(job, at: 0)
                return (nil, false)
            }
            state.threads += 1
            return (nil, true)
        }
        if let worker {
            worker.job.withLock { $0 = job }
            worker.wake.signal()
        } else if start, !PosixThread.start(stackSize: NotificationPool.stackSize, { [self] in run(first: job) }) {
            // No thread to be had: those that run take it, and if none runs it is done here rather than never.
            let alone = state.withLock { state in
                state.threads -= 1
                if state.threads > 0 { state.waiting.insert(job, at: 0) }
                return state.threads == 0
            }
            if alone { job() }
        }
    }

    private func run(first: @escaping Job) {
        let worker = Worker()
        var job: Job? = first
        while let current = job {
            current()
            job = next(worker)
        }
    }

    /// The next job for this thread; nil when it has been idle for long and may end.
    private func next(_ worker: Worker) -> Job? {
        let waiting = state.withLock { state -> Job? in
            if let job = state.waiting.popLast() { return job }
            state.idle.append(worker)
            return nil
        }
        if let waiting { return waiting }
        if worker.wake.wait(timeout: .now() + .seconds(NotificationPool.idleSeconds)) == .timedOut {
            let retired = state.withLock { state in
                guard let index = state.idle.firstIndex(where: { $0 === worker }) else { return false }
                state.idle.remove(at: index)
                state.threads -= 1
                return true
            }
            if retired { return nil }
            // A submitter has picked this thread meanwhile and its signal is on the way.
            worker.wake.wait()
        }
        return worker.job.withLock { job in
            defer { job = nil }
            return job
        }
    }
}
