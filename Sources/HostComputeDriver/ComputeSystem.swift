import CHostCompute
import ContainerDriver
import ContainerModel
import Dispatch
import Synchronization

/// One compute system, from its creation until it is closed.
///
/// Notifications come on HCS's threads. They only change ``State`` and wake the threads that wait for a change. The
/// work that an exit needs (draining, asking HCS) runs on a queue of the system's own, made when the first exit comes.
final class ComputeSystem: NotificationSink, Sendable {
    /// The operations whose end HCS notifies.
    enum Completion: Sendable { case create, start, pause, resume }

    struct State {
        var handle: ComputeHandle?
        /// The operation whose completion is awaited, and its result once notified. Operations come one by one.
        var awaited: Completion?
        var completion: (status: HcsResult, document: String?)?
        /// The status of SystemExited. It is kept, because any number of waiters may need it.
        var exited: HcsResult?
        /// Whether HCS has refused a call because the system is gone.
        var saidToBeGone = false
        /// Whether the exit is known only from such an answer, without a notification.
        var assumedExited = false
        /// Whether HCS is being asked what still runs.
        var isChecking = false
        var disconnected = false
        var closed = false
        /// Whether a termination has been accepted: a shutdown after it would hang (HostComputeService H).
        var terminated = false
        /// Whether a shutdown has begun. Processes that end from now on are counted as terminated by it.
        var goingDown = false
        var started = false
        /// Whether its first process has been created, or may have been.
        var hasFirstProcess = false
        /// Whether the system was found, and not created by this driver.
        var wasFound = false
        /// The processes whose exit has not been reported, in the order of their start.
        var processes: [ComputeProcess] = []
        /// The names of the last execs that ended, so that a signal that comes too late is no failure.
        var ended: [ProcessName] = []
        var initialExit: Exit?
        /// The first process's working directory: where an exec starts that names none.
        var directory = ""
        /// The attached HNS endpoints; nil until HCS has been asked for those of a system that was found.
        var endpoints: [String]?
        /// What could not be restored when the system was opened again.
        var warnings: [String] = []
        /// Outputs that outlive their process.
        var outputs: [hc_stream] = []
        var queue: DispatchQueue?
        var waiters: [DispatchSemaphore] = []
    }

    let id: ContainerID
    let isolation: Isolation
    let servicing: Bool
    let context: DriverContext
    private let generation: Int
    private let state = Mutex(State())

    init(_ id: ContainerID, isolation: Isolation, servicing: Bool, context: DriverContext) {
        self.id = id
        self.isolation = isolation
        self.servicing = servicing
        self.context = context
        self.generation = context.generation
    }

    /// The system in messages.
    var subject: String { "container '\(id)'" }

    // MARK: State

    /// Reads or changes the state without waking waiting threads.
    func withState<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
        state.withLock(body)
    }

    /// Changes the state and wakes all threads that wait for a change.
    func change<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
        let (result, waiters) = state.withLock { state in
            let result = body(&state)
            let waiters = state.waiters
            state.waiters = []
            return (result, waiters)
        }
        for waiter in waiters { waiter.signal() }
        return result
    }

    /// Blocks until `ready` returns a value; nil if `timeout` expires first.
    func wait<Result: Sendable>(_ timeout: Duration, _ ready: (inout sending State) -> Result?) -> Result? {
        let deadline = DispatchTime.now() + timeout.dispatchInterval
        let semaphore = DispatchSemaphore(value: 0)
        while true {
            let found = state.withLock { state in
                let found = ready(&state)
                if found == nil { state.waiters.append(semaphore) }
                return found
            }
            if let found { return found }
            guard semaphore.wait(timeout: deadline) == .success else {
                return state.withLock { state in
                    state.waiters.removeAll { $0 === semaphore }
                    return ready(&state)
                }
            }
        }
    }

    /// The open handle.
    func handle(_ operation: StaticString) throws(HostComputeError) -> ComputeHandle {
        let (handle, disconnected) = withState { ($0.handle, $0.disconnected) }
        if disconnected { throw HostComputeError(operation, .disconnected) }
        guard let handle else { throw HostComputeError(operation, .closed) }
        return handle
    }

    /// Makes a call with the open handle.
    func use<Result>(
        _ operation: StaticString, _ body: (UInt) throws(HostComputeError) -> Result
    ) throws(HostComputeError) -> Result {
        try handle(operation).use(operation, body)
    }

    var isDisconnected: Bool { withState { $0.disconnected } }

    /// Whether its callback would report that the service goes away.
    var isConnected: Bool { withState { $0.handle != nil && !$0.disconnected } }

    /// Whether processes that end now are being ended by the driver.
    var isGoingDown: Bool { withState { $0.goingDown || $0.terminated } }

    // MARK: Notifications

    func notified(_ notification: Notification) {
        switch notification {
        case .completed(let completion, let status, let document):
            change { state in
                // A completion that is not awaited belongs to an operation that timed out.
                guard state.awaited == completion, state.completion == nil else { return }
                state.completion = (status, document)
            }
        case .systemExited(let status):
            let first = change { state in
                defer { state.exited = state.exited ?? status }
                return state.exited == nil
            }
            if first { enqueue { self.concludeProcesses() } }
        case .serviceDisconnected:
            let first = change { state in
                defer { state.disconnected = true }
                return !state.disconnected
            }
            // Reported on a separate thread: this one is HCS's, and the receiver opens the systems again.
            if first { aside { [context, generation] in context.disconnected(generation) } }
        case .processExited:
            break
        }
    }

    /// Waits for the completion of an operation whose `awaited` was set before its call.
    func awaitCompletion(_ operation: StaticString, _ timeout: Duration) throws(HostComputeError) {
        enum End: Sendable { case completed(HcsResult, String?), exited, disconnected }
        let end = wait(timeout) { state -> End? in
            if let (status, document) = state.completion { return .completed(status, document) }
            if state.disconnected { return .disconnected }
            return state.exited == nil ? nil : .exited
        }
        withState { $0.awaited = nil }
        switch end {
        case .completed(let status, let document):
            if status < 0 { throw HostComputeError(operation, status: status, document: document) }
        case .exited: throw HostComputeError(operation, .exitedMeanwhile)
        case .disconnected: throw HostComputeError(operation, .disconnected)
        case nil: throw HostComputeError(operation, .timedOut(timeout))
        }
    }

    /// Runs an operation until it is complete.
    func run(
        _ operation: StaticString, _ completion: Completion, _ timeout: Duration,
        _ call: (UInt) throws(HostComputeError) -> HostCompute.Progress
    ) throws(HostComputeError) {
        withState { state in
            state.awaited = completion
            state.completion = nil
        }
        // HCS may complete the call at once; no notification follows then.
        if try use(operation, call) == .pending { try awaitCompletion(operation, timeout) }
    }

    // MARK: Work off HCS's threads

    /// Runs work on the system's own queue, in order: a call of this container that hangs delays no other container.
    func enqueue(_ work: @escaping @Sendable () -> Void) {
        ownQueue.async(execute: work)
    }

    /// Runs work on the system's own queue after the time that a late exit notification may take.
    func later(_ work: @escaping @Sendable () -> Void) { afterwards(context.timeouts.lostExit, work) }

    /// Runs work on the system's own queue after a time.
    func afterwards(_ time: Duration, _ work: @escaping @Sendable () -> Void) {
        ownQueue.asyncAfter(deadline: .now() + time.dispatchInterval, execute: work)
    }

    /// Runs a call that may hang on a queue of its own, where it delays nothing else. The global queues start only a
    /// few threads at a time.
    func aside(_ work: @escaping @Sendable () -> Void) {
        DispatchQueue(label: "windlass.hcs.call").async(execute: work)
    }

    private var ownQueue: DispatchQueue {
        state.withLock { state in
            if let queue = state.queue { return queue }
            let queue = DispatchQueue(label: "windlass.hcs.exits")
            state.queue = queue
            return queue
        }
    }
}

extension Duration {
    /// The same for Dispatch; `never` if the duration overflows.
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, let nanoseconds = Int(exactly: scaled + attoseconds / 1_000_000_000) else { return .never }
        return .nanoseconds(max(0, nanoseconds))
    }
}
