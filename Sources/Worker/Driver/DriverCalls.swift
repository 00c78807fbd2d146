import ContainerDriver
import ZeroMQ

/// Threads on which driver calls are made; `BlockingPool` is the real one.
protocol CallThreads: Sendable {
    /// Runs `work` on one of the threads, in order of arrival.
    /// - Returns: false if the system gives no thread; the work never runs then.
    func run(_ work: @escaping @Sendable () -> Void) -> Bool
    /// Records that a call has outlived its watchdog (`true`), or has returned after that (`false`).
    func noteStuck(_ isStuck: Bool)
    /// Lets the idle threads end.
    func stop()
}

extension BlockingPool: CallThreads {}

/// Makes driver calls on threads that may block and brings their results back to the loop, with a watchdog on each.
/// On the loop only.
final class DriverCalls {
    /// Which threads a call gets.
    enum Urgency: Sendable {
        case ordinary
        /// Ends something by force: a few threads are kept for it, however many other calls hang.
        case urgent
    }

    private let loop: any HostLoop
    private let ordinary: any CallThreads
    private let urgent: any CallThreads
    private let watchdog: Duration
    /// What is counted of the calls.
    private(set) var figures = DriverFigures()

    /// Threads for what ends something by force.
    private static let urgentThreads = 16

    /// Makes calls on the given threads.
    init(on loop: any HostLoop, ordinary: any CallThreads, urgent: any CallThreads, watchdog: Duration) {
        self.loop = loop
        self.ordinary = ordinary
        self.urgent = urgent
        self.watchdog = watchdog
    }

    /// Makes calls on blocking pools of its own.
    convenience init(on loop: any HostLoop, configuration: WorkerConfiguration) {
        let limits = configuration.limits
        self.init(
            on: loop, ordinary: BlockingPool(limit: limits.driverCalls, stuckLimit: limits.stuckCalls),
            urgent: BlockingPool(limit: DriverCalls.urgentThreads, stuckLimit: limits.stuckCalls),
            watchdog: configuration.times.watchdog)
    }

    /// Lets the idle threads end.
    func stop() {
        ordinary.stop()
        urgent.stop()
    }

    /// Makes a call.
    /// - Parameters:
    ///   - operation: as the metrics count it; nil for other work, which needs such a thread too.
    ///   - work: the call; it runs on a thread that may block.
    ///   - stuck: runs on the loop when the call has outlived its watchdog (true), and when it came back later (false).
    ///   - then: gets the result, on the loop; `deadlineExceeded` where the call was taken back.
    /// - Returns: the call, which can be taken back until it begins.
    @discardableResult
    func make<Success: Sendable>(
        _ operation: CallKind?, urgency: Urgency = .ordinary,
        _ work: @escaping @Sendable () throws(DriverFailure) -> Success,
        stuck: @escaping (Bool) -> Void = { _ in },
        then: @escaping (Result<Success, DriverFailure>) -> Void
    ) -> DriverCall {
        let threads = urgency == .urgent ? urgent : ordinary
        let call = DriverCall()
        figures.began()
        let watch = CallWatch(on: loop, limit: watchdog, call: call) { [self] in
            threads.noteStuck(true)
            figures.stuck(true)
            stuck(true)
        }
        let completion = LoopBound(
            { [self] (result: Result<Success, DriverFailure>, duration: Duration?) in
                let failure: DriverFailure.Code? = if case .failure(let failure) = result { failure.code } else { nil }
                figures.ended(operation, after: duration, failure)
                if watch.end() {
                    threads.noteStuck(false)
                    figures.stuck(false)
                    stuck(false)
                }
                then(result)
            }, to: loop)
        let isTaken = threads.run { [loop] in
            let result: Result<Success, DriverFailure>
            let began = loop.now
            var duration: Duration?
            if call.begin(at: began) {
                do throws(DriverFailure) { result = .success(try work()) } catch { result = .failure(error) }
                duration = loop.now - began
            } else {
                result = .failure(DriverFailure(.deadlineExceeded, "the deadline passed before the call was begun"))
            }
            loop.post { [duration] in completion.value(result, duration) }
        }
        if !isTaken { loop.post { completion.value(.failure(DriverCalls.noThread), nil) } }
        return call
    }

    /// No thread can be made, and none is left that does not hang.
    private static let noThread = DriverFailure(
        .resourceExhausted,
        "the worker can make no thread for this call; give it more memory (ulimit -v) or more threads (ulimit -u, "
            + "TasksMax), or send it again later", retryable: true)
}
