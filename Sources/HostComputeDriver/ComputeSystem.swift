import CHostCompute
import ContainerDriver
import ContainerProtocol
import Dispatch
import Synchronization

/// One compute system, from its creation until it is closed.
///
/// Notifications come on HCS's threads and change nothing but ``State``; whoever waits for a change is woken, and what
/// an exit needs (draining, asking HCS) runs on a queue of the system's own, made when the first exit comes.
final class ComputeSystem: NotificationSink, Sendable {
    /// The operations whose end a notification tells.
    enum Completion: Sendable { case create, start, pause, resume }

    struct State {
        var handle: ComputeHandle?
        /// The operation whose completion is awaited, and what was told of it. Operations come one by one.
        var awaited: Completion?
        var completion: (status: HcsResult, document: String?)?
        /// The status of SystemExited. It is kept, not consumed: any number of waiters may need it.
        var exited: HcsResult?
        /// Whether HCS has refused a call because the system is gone.
        var saidToBeGone = false
        /// Whether only that told the exit, and no notification.
        var assumedExited = false
        /// Whether HCS is being asked what still runs.
        var isChecking = false
        var disconnected = false
        var closed = false
        /// Whether a termination has been accepted: a shutdown after it would hang (HostComputeService H).
        var terminated = false
        /// Whether a shutdown has begun: what ends from now on, ends because of it.
        var goingDown = false
        var started = false
        /// Whether its first process has been created, or may have been.
        var hasFirstProcess = false
        /// Whether somebody else made it.
        var wasFound = false
        /// Those whose exit has not been told, in the order of their start.
        var processes: [ComputeProcess] = []
        /// The names of the last execs that ended, so that a signal that comes too late is no failure.
        var ended: [ProcessName] = []
        var initialExit: Exit?
        /// The first process's working directory: where an exec starts that names none.
        var directory = ""
        /// The HNS endpoints that it has; nil where this driver did not make it and has not asked yet.
        var endpoints: [String]?
        /// What could not be had when it was opened again.
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

    /// Reads or changes the state without waking anybody.
    func withState<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
        state.withLock(body)
    }

    /// Changes the state and wakes all who wait for a change.
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

    /// Waits until `ready` finds what it looks for; nil where `timeout` is over first.
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
                // A completion that nobody awaits belongs to an operation that was given up.
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
            // Told from a thread of its own: the receiver will want to open the systems again, and this one is HCS's.
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
        // HCS may also finish at once; then no notification is waited for.
        if try use(operation, call) == .pending { try awaitCompletion(operation, timeout) }
    }

    // MARK: Work off HCS's threads

    /// Runs work on the system's own queue, in order: a call of this container that hangs delays no other container.
    func enqueue(_ work: @escaping @Sendable () -> Void) {
        ownQueue.async(execute: work)
    }

    /// Runs work on the system's own queue after the time in which an exit that was lost would have been told.
    func later(_ work: @escaping @Sendable () -> Void) { afterwards(context.timeouts.lostExit, work) }

    /// Runs work on the system's own queue after a time.
    func afterwards(_ time: Duration, _ work: @escaping @Sendable () -> Void) {
        ownQueue.asyncAfter(deadline: .now() + time.dispatchInterval, execute: work)
    }

    /// Runs a call that may hang where it delays nothing: on a queue of its own, because the global ones give out few
    /// threads at a time.
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
    /// The same for Dispatch; what it can't hold is for ever.
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, let nanoseconds = Int(exactly: scaled + attoseconds / 1_000_000_000) else { return .never }
        return .nanoseconds(max(0, nanoseconds))
    }
}
