import Dispatch
import Glibc
import Synchronization

/// The threads that complete operations and deliver notifications.
///
/// A callback is foreign code and may block, so a job never waits for another: while every thread is busy a new one is
/// started, up to a limit that only a host full of blocked callbacks reaches. Idle threads end after a while.
final class NotificationPool: Sendable {
    typealias Job = @Sendable () -> Void

    private static let maximumThreads = 256
    private static let idleSeconds = 10
    private static let stackSize = 512 * 1024

    private struct State {
        var jobs: [Job] = []
        var next = 0
        var idle = 0
        var threads = 0

        mutating func take() -> Job? {
            guard next < jobs.count else { return nil }
            let job = jobs[next]
            next += 1
            if next == jobs.count {
                jobs.removeAll(keepingCapacity: next < 1024)
                next = 0
            }
            return job
        }
    }

    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)

    func submit(_ job: @escaping Job) {
        let (wake, grow) = state.withLock { state -> (Bool, Bool) in
            state.jobs.append(job)
            if state.idle > 0 {
                state.idle -= 1
                return (true, false)
            }
            guard state.threads < NotificationPool.maximumThreads else { return (false, false) }
            state.threads += 1
            return (false, true)
        }
        if wake { work.signal() }
        if grow, !startThread() {
            // No thread to be had: the ones that run take the job, and without any the next call tries again.
            state.withLock { $0.threads -= 1 }
        }
    }

    private func startThread() -> Bool {
        PosixThread.start(stackSize: NotificationPool.stackSize) { [self] in run() }
    }

    private func run() {
        while true {
            let job = state.withLock { state in
                let job = state.take()
                if job == nil { state.idle += 1 }
                return job
            }
            if let job {
                job()
                continue
            }
            if work.wait(timeout: .now() + .seconds(NotificationPool.idleSeconds)) == .success { continue }
            let retired = state.withLock { state in
                guard state.idle > 0 else { return false }
                state.idle -= 1
                state.threads -= 1
                return true
            }
            if retired { return }
            // A submitter has counted on this thread meanwhile and its signal is on the way.
            work.wait()
        }
    }
}
