import ContainerModel
import MessagePack
import ZeroMQ

@testable import Worker

/// A loop whose turns a test makes and whose time it moves by hand. Used on the test's own thread.
final class ManualLoop: HostLoop, @unchecked Sendable {
    // Sendable: a test uses it on one thread; nothing else does.
    private(set) var now = ContinuousClock.now
    private(set) var timestamp = Timestamp(seconds: 1_700_000_000, nanoseconds: 0) ?? .epoch
    let isCurrent = true
    private var posted: [@Sendable () -> Void] = []
    private var due: [UInt64: (at: ContinuousClock.Instant, work: () -> Void)] = [:]
    private var lastSequence: UInt64 = 0

    func post(_ work: @escaping @Sendable () -> Void) { posted.append(work) }

    func schedule(after duration: Duration, _ work: @escaping () -> Void) -> SocketLoop.Deadline {
        lastSequence += 1
        due[lastSequence] = (now + duration, work)
        return SocketLoop.Deadline(sequence: lastSequence)
    }

    func cancel(_ deadline: SocketLoop.Deadline) {
        due = due.filter { SocketLoop.Deadline(sequence: $0.key) != deadline }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        post { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    func checkIsolated() {}
    func isIsolatingCurrentContext() -> Bool? { true }

    // MARK: The test's side

    /// Runs what was posted, and the deadlines that have passed.
    /// - Returns: false where there was nothing to run.
    func turn() -> Bool {
        let work = posted
        posted = []
        for work in work { work() }
        let passed = due.filter { $0.value.at <= now }.sorted { $0.key < $1.key }
        for (sequence, deadline) in passed {
            due[sequence] = nil
            deadline.work()
        }
        return !work.isEmpty || !passed.isEmpty
    }

    /// Moves the time.
    func advance(by duration: Duration) {
        now += duration
        timestamp = timestamp.advanced(by: duration)
    }

    /// How many deadlines there are.
    var deadlineCount: Int { due.count }
}

/// Threads for driver calls that run when the test says so, on the test's own thread.
final class ManualThreads: CallThreads, @unchecked Sendable {
    // Sendable: a test uses it on one thread; nothing else does.
    private var waiting: [@Sendable () -> Void] = []
    private(set) var stuck = 0

    func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        waiting.append(work)
        return true
    }
    func noteStuck(_ isStuck: Bool) { stuck += isStuck ? 1 : -1 }
    func stop() {}

    /// How many calls wait for a thread.
    var count: Int { waiting.count }

    /// Makes the calls that wait, in their order.
    func runAll() {
        let work = waiting
        waiting = []
        for call in work { call() }
    }
}
