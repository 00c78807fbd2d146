import ContainerDriver
import Synchronization
import ZeroMQ

/// Makes driver calls on the blocking pool and brings their results back to the loop, with a watchdog on each.
///
/// Its methods are called on the socket loop.
final class DriverCalls: Sendable {
    private let loop: SocketLoop
    private let pool: BlockingPool
    private let watchdog: Duration

    init(loop: SocketLoop, configuration: WorkerConfiguration) {
        self.loop = loop
        pool = BlockingPool(limit: configuration.limits.driverCalls, stuckLimit: configuration.limits.stuckCalls)
        watchdog = configuration.times.watchdog
    }

    /// How many calls have outlived their watchdog and have not come back.
    var stuckCalls: Int { pool.stuckCalls }

    /// Lets the pool's idle threads end.
    func stop() { pool.stop() }

    /// Makes a call.
    /// - Parameters:
    ///   - work: the call; it runs on the blocking pool.
    ///   - stuck: told on the loop that the call has outlived its watchdog (true), and that it came back later (false).
    ///   - then: gets the result, on the loop.
    func make<Success: Sendable>(
        _ work: @escaping @Sendable () throws(DriverFailure) -> Success,
        stuck: @escaping @Sendable (Bool) -> Void = { _ in },
        then: @escaping @Sendable (Result<Success, DriverFailure>) -> Void
    ) {
        let flag = Flag()
        let deadline = loop.schedule(after: watchdog) { [pool] in
            flag.value.store(true, ordering: .relaxed)
            pool.noteStuck(true)
            stuck(true)
        }
        pool.run { [loop, pool] in
            let result: Result<Success, DriverFailure>
            do throws(DriverFailure) { result = .success(try work()) } catch { result = .failure(error) }
            loop.post {
                loop.cancel(deadline)
                if flag.value.load(ordering: .relaxed) {
                    pool.noteStuck(false)
                    stuck(false)
                }
                then(result)
            }
        }
    }

    /// Whether one call is stuck.
    private final class Flag: Sendable {
        let value = Atomic(false)
    }
}
