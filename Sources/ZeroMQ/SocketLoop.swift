import CZeroMQ
import Foundation
import HeapModule
import Synchronization
import Threads

/// The thread that owns every ZeroMQ socket, as the executor of whatever owns one.
///
/// libzmq's sockets belong to one thread. An actor whose executor is this loop may keep sockets: the compiler then
/// keeps all other code away from them. Code that runs on the loop, such as a socket's handler, enters such an actor
/// with `assumeIsolated`, without a task and without waiting.
///
/// The loop runs what was sent to it, fires what is due, lets every socket's handler read for one bounded turn, and
/// sleeps in `zmq_poll` when there was nothing to do. It is woken by one message on an `inproc` pair for any number of
/// jobs, never by a timer that only looks.
public final class SocketLoop: SerialExecutor, @unchecked Sendable {
    // Sendable: `inbox` is guarded by its mutex; `turn` is touched on the loop's own thread only.

    /// The result of a handler's turn.
    public enum Turn: Sendable {
        /// Nothing was there.
        case idle
        /// Something was read, and there may be more.
        case busy
    }

    /// A deadline that can be taken back.
    public struct Deadline: Hashable, Sendable {
        fileprivate let sequence: UInt64

        /// The `sequence`th deadline of a loop.
        package init(sequence: UInt64) { self.sequence = sequence }
    }

    private enum Work {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    private struct Inbox {
        var work: [Work] = []
        var isWoken = false
        var isStopping = false
        var hasEnded = false
        /// The sending end of the wake-up pair; used under the mutex only, which makes it safe to use from any thread.
        var waker: Socket?
    }

    /// What only the loop's thread touches.
    private struct Confined {
        var handlers: [(socket: Socket, handler: () -> Turn)] = []
        var quiet: [QuietSocket] = []
        /// Turns since the quiet sockets were looked at.
        var turnsSinceLook = 0
        var endOfTurn: [() -> Void] = []
        var onTurn: ((Duration) -> Void)?
        var due = Heap<Due>()
        var live: [UInt64: () -> Void] = [:]
        var sequence: UInt64 = 0
    }

    private struct Due: Comparable {
        let at: ContinuousClock.Instant
        let sequence: UInt64
        static func < (left: Due, right: Due) -> Bool { (left.at, left.sequence) < (right.at, right.sequence) }
    }

    /// The context in which the loop's sockets are made.
    public let context: Context
    private let inbox: Mutex<Inbox>
    /// The loop's thread, as ``currentThread()`` names it.
    private let thread = Atomic<UInt>(0)
    private var confined = Confined()
    private let finished = DispatchSemaphore(value: 0)
    private static let names = Atomic<UInt64>(0)

    /// Starts the loop's thread.
    /// - Throws: also if the system gives no thread.
    public init(context: Context, name: String) throws(ZeroMQError) {
        self.context = context
        let number = SocketLoop.names.add(1, ordering: .relaxed).newValue
        let endpoint = "inproc://loop-\(number)"
        let waker = try Socket(.pair, in: context)
        try waker.set(.linger, 0)
        try waker.bind(endpoint)
        inbox = Mutex(Inbox(waker: waker))

        // The thread makes the receiving end, and reports success or the failure.
        let started = DispatchSemaphore(value: 0)
        let failure = Mutex<ZeroMQError?>(nil)
        let isStarted = SystemThread.start(name, stackSize: 8 << 20) { [self] in
            do throws(ZeroMQError) {
                let woken = try Socket(.pair, in: context)
                try woken.connect(endpoint)
                self.thread.store(SocketLoop.currentThread(), ordering: .releasing)
                started.signal()
                run(woken)
            } catch {
                failure.withLock { $0 = error }
                started.signal()
            }
            finished.signal()
        }
        guard isStarted else { throw ZeroMQError(noThreadFor: "the thread \(name)") }
        started.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    // MARK: From any thread

    /// Runs `work` on the loop, after what was sent before it.
    public func post(_ work: @escaping @Sendable () -> Void) { submit(.call(work)) }

    /// Runs `work` on the loop and waits for its result. Not from the loop itself, and not from Swift's cooperative
    /// pool.
    public func perform<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) throws -> Result {
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
        let isTaken = submit(
            .call {
                let result = Swift.Result { try work() }
                outcome.withLock { $0 = result }
                done.signal()
            })
        guard isTaken else { throw CancellationError() }
        done.wait()
        guard let result = outcome.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }

    /// Ends the loop after what has been sent to it, and waits for its thread. What is sent later never runs.
    public func stop() {
        end()
        finished.wait()
        finished.signal()
        inbox.withLock { $0.waker = nil }
    }

    /// Ends the loop after what has been sent to it, and does not wait. May be called on the loop's own thread.
    public func end() {
        inbox.withLock { $0.isStopping = true }
        post {}
    }

    /// Whether the caller runs on the loop.
    public var isCurrent: Bool { SocketLoop.currentThread() == thread.load(ordering: .acquiring) }

    /// - Returns: false where the loop has ended, and the work never runs.
    @discardableResult
    private func submit(_ work: Work) -> Bool {
        inbox.withLock { inbox in
            guard !inbox.hasEnded else { return false }
            inbox.work.append(work)
            guard !inbox.isWoken else { return true }
            inbox.isWoken = true
            // A full pair is a woken loop; other failures mean that the loop is gone.
            if !isCurrent { _ = try? inbox.waker?.send([]) }
            return true
        }
    }

    // MARK: SerialExecutor

    public func enqueue(_ job: consuming ExecutorJob) { submit(.job(UnownedJob(job))) }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    public func checkIsolated() {
        precondition(isCurrent, "this code belongs to the socket loop's thread")
    }

    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    // MARK: On the loop

    /// Lets `handler` read `socket` in every turn. A handler reads a bounded number of messages, so that no socket
    /// starves another.
    public func add(_ socket: Socket, handler: @escaping () -> Turn) {
        confined.handlers.append((socket, handler))
    }

    /// Lets `handler` read `socket` when there is something: for a socket that has rarely anything, which then costs the
    /// others' turns nothing. It must read until nothing is there, in one turn or in several.
    public func addQuiet(_ socket: Socket, handler: @escaping () -> Turn) throws(ZeroMQError) {
        confined.quiet.append(QuietSocket(socket: socket, descriptor: try socket.descriptor, handler: handler))
    }

    /// Lets the handler of a quiet socket read in this turn or the next one. Sending on a socket takes in what its
    /// descriptor would have shown: who sends on a quiet socket must call this.
    public func look(at socket: Socket) {
        for index in confined.quiet.indices where confined.quiet[index].socket === socket {
            confined.quiet[index].hasSomething = true
        }
    }

    /// Forgets `socket`.
    public func remove(_ socket: Socket) {
        confined.handlers.removeAll { $0.socket === socket }
        confined.quiet.removeAll { $0.socket === socket }
    }

    /// Runs `work` at the end of every turn: for what one turn gathers and sends at once.
    public func atEndOfTurn(_ work: @escaping () -> Void) { confined.endOfTurn.append(work) }

    /// Calls `report` with the length of each turn that is over, without the sleep behind it.
    public func onTurn(_ report: @escaping (Duration) -> Void) { confined.onTurn = report }

    /// Runs `work` once after `duration`.
    @discardableResult
    public func schedule(after duration: Duration, _ work: @escaping () -> Void) -> Deadline {
        confined.sequence += 1
        confined.due.insert(Due(at: .now.advanced(by: duration), sequence: confined.sequence))
        confined.live[confined.sequence] = work
        return Deadline(sequence: confined.sequence)
    }

    /// Takes a deadline back; one that has fired is no matter.
    public func cancel(_ deadline: Deadline) {
        confined.live[deadline.sequence] = nil
        // Deadlines that were taken back leave the heap when they come up; many of them are cleared at once.
        if confined.due.count > 1024, confined.due.count > 4 * confined.live.count {
            confined.due = Heap(confined.due.unordered.filter { confined.live[$0.sequence] != nil })
        }
    }

    private func run(_ woken: Socket) {
        var message = Message()
        var work: [Work] = []
        var began = ContinuousClock.now
        // How much of it has been done: what is left goes before what has come since.
        var done = 0
        while true {
            let isStopping = inbox.withLock { inbox in
                if done == work.count {
                    work.removeAll(keepingCapacity: true)
                    done = 0
                    swap(&work, &inbox.work)
                    inbox.isWoken = false
                }
                return inbox.isStopping
            }
            var busy = !work.isEmpty
            perform(work, from: &done)
            if isStopping {
                let hasEnded = inbox.withLock { inbox in
                    inbox.hasEnded = inbox.work.isEmpty && done == work.count
                    return inbox.hasEnded
                }
                if hasEnded { break }
                continue
            }
            busy = fire() || busy
            busy = serveQuiet() || busy
            for entry in confined.handlers where entry.handler() == .busy { busy = true }
            for work in confined.endOfTurn { work() }
            began = reportTurn(since: began)
            if busy { continue }
            sleep(woken, &message)
            if confined.onTurn != nil { began = .now }
        }
        // What handlers and deadlines hold must go on this thread: sockets are among it.
        confined = Confined()
    }

    /// - Returns: the time, where it is of interest.
    private func reportTurn(since began: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard let onTurn = confined.onTurn else { return began }
        let now = ContinuousClock.now
        onTurn(now - began)
        return now
    }

    /// How long what was sent to the loop may hold it in one turn: threads may send much more at once than sockets and
    /// deadlines can wait for.
    private static let longestWork = Duration.milliseconds(2)

    /// Does what was sent to the loop, as much as one turn allows.
    private func perform(_ work: [Work], from done: inout Int) {
        guard done < work.count else { return }
        let end = ContinuousClock.now + SocketLoop.longestWork
        while done < work.count {
            switch work[done] {
            case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
            case .call(let call): call()
            }
            done += 1
            // The clock is read now and then only.
            if done % 16 == 0, .now >= end { return }
        }
    }

    /// Busy turns between looks at the quiet sockets.
    private static let turnsBetweenLooks = 8

    /// Lets the quiet sockets that have something read for one turn each.
    private func serveQuiet() -> Bool {
        confined.turnsSinceLook += 1
        if confined.turnsSinceLook >= SocketLoop.turnsBetweenLooks, !confined.quiet.isEmpty {
            confined.turnsSinceLook = 0
            withUnsafeTemporaryAllocation(of: zmq_pollitem_t.self, capacity: confined.quiet.count) { items in
                for (index, entry) in confined.quiet.enumerated() { items[index] = entry.pollItem }
                _ = zmq_poll(items.baseAddress, Int32(items.count), 0)
                noteQuiet(items, from: 0)
            }
        }
        var isBusy = false
        for index in confined.quiet.indices where index < confined.quiet.count && confined.quiet[index].hasSomething {
            let socket = confined.quiet[index].socket
            let turn = confined.quiet[index].handler()
            // The handler may have removed sockets, its own among them.
            if let now = confined.quiet.firstIndex(where: { $0.socket === socket }) {
                confined.quiet[now].hasSomething = turn == .busy
            }
            isBusy = true
        }
        return isBusy
    }

    /// Takes over which quiet sockets a poll has found readable.
    private func noteQuiet(_ items: UnsafeMutableBufferPointer<zmq_pollitem_t>, from first: Int) {
        for index in confined.quiet.indices where items[first + index].revents != 0 {
            confined.quiet[index].hasSomething = true
        }
    }

    /// Runs the deadlines that have passed.
    private func fire() -> Bool {
        guard !confined.due.isEmpty else { return false }
        var fired = false
        let now = ContinuousClock.now
        while let next = confined.due.min, next.at <= now {
            confined.due.removeMin()
            guard let work = confined.live.removeValue(forKey: next.sequence) else { continue }
            fired = true
            work()
        }
        return fired
    }

    /// Waits until a socket has something, the loop is woken, or a deadline is due.
    private func sleep(_ woken: Socket, _ message: inout Message) {
        // Work that the loop sent to itself in this turn does not wake it, so it must not sleep now.
        guard inbox.withLock({ $0.work.isEmpty }) else { return }
        while let next = confined.due.min, confined.live[next.sequence] == nil { confined.due.removeMin() }
        var timeout = -1
        if let next = confined.due.min {
            let left = (next.at - .now) / .milliseconds(1)
            timeout = max(0, Int(min(left.rounded(.up), 3_600_000)))
        }
        let polled = confined.handlers.count + 1
        let count = polled + confined.quiet.count
        withUnsafeTemporaryAllocation(of: zmq_pollitem_t.self, capacity: count) { items in
            items[0] = zmq_pollitem_t(socket: woken.raw, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
            for (index, entry) in confined.handlers.enumerated() {
                // An item without a socket stands for descriptor 0, in which nothing is of interest.
                let events = entry.socket.raw == nil ? 0 : Int16(ZMQ_POLLIN)
                items[index + 1] = zmq_pollitem_t(
                    socket: entry.socket.raw, fd: 0, events: events, revents: 0)
            }
            for (index, entry) in confined.quiet.enumerated() { items[polled + index] = entry.pollItem }
            // A signal, or a socket that its owner has just closed, only ends the wait early.
            _ = zmq_poll(items.baseAddress, Int32(count), timeout)
            noteQuiet(items, from: polled)
        }
        while (try? woken.receive(into: &message)) == true {}
    }

    private static func currentThread() -> UInt {
        #if os(Windows)
            UInt(GetCurrentThreadId())
        #else
            UInt(pthread_self())
        #endif
    }
}
