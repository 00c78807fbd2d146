import ContainerDriver
import ZeroMQ

/// Makes driver calls on the blocking pool and brings their results back to the loop, with a watchdog on each.
///
/// Its methods are called on the socket loop.
final class DriverCalls: Sendable {
    /// Which threads a call gets.
    enum Urgency: Sendable {
        case ordinary
        /// Ends something by force: a few threads are kept for it, however many other calls hang.
        case urgent
    }

    private let loop: SocketLoop
    private let ordinary: BlockingPool
    private let urgent: BlockingPool
    private let watchdog: Duration

    /// Threads for what ends something by force.
    private static let urgentThreads = 16

    init(loop: SocketLoop, configuration: WorkerConfiguration) {
        let limits = configuration.limits
        self.loop = loop
        ordinary = BlockingPool(limit: limits.driverCalls, stuckLimit: limits.stuckCalls)
        urgent = BlockingPool(limit: DriverCalls.urgentThreads, stuckLimit: limits.stuckCalls)
        watchdog = configuration.times.watchdog
    }

    /// How many calls have outlived their watchdog and have not come back.
    var stuckCalls: Int { ordinary.stuckCalls + urgent.stuckCalls }

    /// Lets the pools' idle threads end.
    func stop() {
        ordinary.stop()
        urgent.stop()
    }

    /// Makes a call.
    /// - Parameters:
    ///   - work: the call; it runs on the blocking pool.
    ///   - stuck: told on the loop that the call has outlived its watchdog (true), and that it came back later (false).
    ///   - then: gets the result, on the loop; `cancelled` where the call was taken back.
    /// - Returns: the call, which can be taken back until it begins.
    @discardableResult
    func make<Success: Sendable>(
        urgency: Urgency = .ordinary, _ work: @escaping @Sendable () throws(DriverFailure) -> Success,
        stuck: @escaping @Sendable (Bool) -> Void = { _ in },
        then: @escaping @Sendable (Result<Success, DriverFailure>) -> Void
    ) -> DriverCall {
        let pool = urgency == .urgent ? urgent : ordinary
        let call = DriverCall()
        let watch = Watch(loop: loop, limit: watchdog, call: call) {
            pool.noteStuck(true)
            stuck(true)
        }
        let isTaken = pool.run { [loop] in
            let result: Result<Success, DriverFailure>
            if call.begin() {
                do throws(DriverFailure) { result = .success(try work()) } catch { result = .failure(error) }
            } else {
                result = .failure(DriverFailure(.deadlineExceeded, "the deadline passed before the call was begun"))
            }
            loop.post {
                if watch.end() {
                    pool.noteStuck(false)
                    stuck(false)
                }
                then(result)
            }
        }
        if !isTaken {
            loop.post {
                _ = watch.end()
                then(.failure(DriverCalls.noThread))
            }
        }
        return call
    }

    /// No thread can be made, and none of the pool's is left that does not hang.
    private static let noThread = DriverFailure(
        .resourceExhausted,
        "the worker can make no thread for this call; give it more memory (ulimit -v) or more threads (ulimit -u, "
            + "TasksMax), or send it again later", retryable: true)

    /// The watchdog of one call; it counts from the call's beginning, not from its place in the line for a thread.
    private final class Watch: @unchecked Sendable {
        // Sendable: made and used on the socket loop only.
        private let loop: SocketLoop
        private let limit: Duration
        private let call: DriverCall
        private let bark: () -> Void
        private var deadline: SocketLoop.Deadline?
        private var hasBarked = false

        init(loop: SocketLoop, limit: Duration, call: DriverCall, bark: @escaping () -> Void) {
            self.loop = loop
            self.limit = limit
            self.call = call
            self.bark = bark
            look(after: limit)
        }

        private func look(after duration: Duration) {
            deadline = loop.schedule(after: duration) { [self] in
                let left = limit - (call.duration ?? .zero)
                guard left <= .zero else { return look(after: left) }
                hasBarked = true
                bark()
            }
        }

        /// The call has come back.
        /// - Returns: whether it had been reported.
        func end() -> Bool {
            if let deadline { loop.cancel(deadline) }
            deadline = nil
            return hasBarked
        }
    }
}
