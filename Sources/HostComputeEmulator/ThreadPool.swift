import Dispatch
import Glibc
import Synchronization
import Threads

/// Threads for work that may block: completing operations, delivering notifications, answering the calls of a client.
///
/// A callback is foreign code, and a call may hang on purpose, so a job never waits for another: while every thread is
/// busy a new one is started, up to a limit that only a host full of blocked ones reaches. Idle threads end after a
/// while.
///
/// A job is handed to the thread that went idle last, past the queue: its stack is warm, and it need not come to the
/// lock to fetch what it was woken for.
final class ThreadPool: Sendable {
    typealias Job = @Sendable () -> Void

    private static let idleSeconds = 10

    /// One thread of the pool.
    private final class Worker: Sendable {
        let wake = DispatchSemaphore(value: 0)
        let job = Mutex<Job?>(nil)
    }

    private struct State {
        var idle: [Worker] = []
        var threads = 0
        /// Jobs that wait for a thread, oldest last.
        var waiting: [Job] = []
    }

    private let maximumThreads: Int
    private let state = Mutex(State())

    init(maximumThreads: Int = 256) {
        self.maximumThreads = maximumThreads
    }

    func submit(_ job: @escaping Job) {
        let (worker, start) = state.withLock { state -> (Worker?, Bool) in
            if let worker = state.idle.popLast() { return (worker, false) }
            guard state.threads < maximumThreads else {
                state.waiting.insert(job, at: 0)
                return (nil, false)
            }
            state.threads += 1
            return (nil, true)
        }
        if let worker {
            worker.job.withLock { $0 = job }
            worker.wake.signal()
        } else if start {
            let worker = Worker()
            worker.job.withLock { $0 = job }
            guard !SystemThread.start("emulator", { [self] in run(worker) }) else { return }
            // Without a new thread a running one takes the job. If none runs, the caller runs it.
            let alone = state.withLock { state in
                state.threads -= 1
                if state.threads > 0 { state.waiting.insert(job, at: 0) }
                return state.threads == 0
            }
            if alone { job() }
        }
    }

    private func run(_ worker: Worker) {
        repeat { work(worker) } while waitForJob(worker)
    }

    /// A function of its own, so that what a job holds on to does not outlive it while the thread is idle.
    private func work(_ worker: Worker) {
        let job = worker.job.withLock { job in
            defer { job = nil }
            return job
        }
        job?()
    }

    /// Gets this thread its next job; false when it has been idle for long and may end.
    private func waitForJob(_ worker: Worker) -> Bool {
        let waiting = state.withLock { state -> Job? in
            if let job = state.waiting.popLast() { return job }
            state.idle.append(worker)
            return nil
        }
        if let waiting {
            worker.job.withLock { $0 = waiting }
            return true
        }
        if worker.wake.wait(timeout: .now() + .seconds(ThreadPool.idleSeconds)) == .timedOut {
            let retired = state.withLock { state in
                guard let index = state.idle.firstIndex(where: { $0 === worker }) else { return false }
                state.idle.remove(at: index)
                state.threads -= 1
                return true
            }
            if retired { return false }
            // A submitter has picked this thread meanwhile and its signal is on the way.
            worker.wake.wait()
        }
        return true
    }
}
