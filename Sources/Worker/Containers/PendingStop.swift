import ContainerModel
import MessagePack
import ZeroMQ

/// A stop of one container: its grace, the request that caused it, and those that wait for its end. Pure.
struct PendingStop {
    /// The request that ends the container: its exit is that request's doing.
    private(set) var cause: Cause?
    /// How long the stop gives the first process, and when that has passed.
    private(set) var grace: Duration?
    private(set) var due: Timestamp?
    /// Whether the container must end because the worker ends.
    var endsWithWorker = false
    private var waiting: [Responder] = []
    private var deadlines: [SocketLoop.Deadline] = []

    /// The most requests that wait for one container to stop.
    static let limit = 1024

    init() {}

    /// A stop that a worker before this one began.
    init(cause: Cause?, grace: Duration?, due: Timestamp?) {
        self.cause = cause
        self.grace = grace
        self.due = due
    }

    /// Whether requests wait for the container to stop.
    var isAwaited: Bool { !waiting.isEmpty }

    /// Whether no more requests may wait.
    var isFull: Bool { waiting.count >= PendingStop.limit }

    /// Something asks for the container's end. The first cause stays.
    mutating func note(_ cause: Cause) { self.cause = self.cause ?? cause }

    /// Records that the command under way ends the container; it replaces earlier causes.
    mutating func replaceCause(_ cause: Cause) { self.cause = cause }

    /// One more stop: the shortest grace and the earliest end of a grace count.
    mutating func add(_ responder: Responder, grace: Duration, at now: Timestamp) {
        waiting.append(responder)
        self.grace = min(self.grace ?? grace, grace)
        let end = now.advanced(by: grace)
        due = min(due ?? end, end)
    }

    /// The stop turns into an end by force at this deadline.
    mutating func add(_ deadline: SocketLoop.Deadline) { deadlines.append(deadline) }

    /// The rest of the grace; at most the whole grace, even if the clock was set back. Nil without a stop.
    func graceLeft(at now: Timestamp) -> Duration? {
        guard let grace, let due else { return grace }
        let (seconds, isOver) = due.seconds.subtractingReportingOverflow(now.seconds)
        guard !isOver else { return grace }
        let left = Duration.seconds(seconds) + .nanoseconds(Int64(due.nanoseconds) - Int64(now.nanoseconds))
        return min(grace, max(.zero, left))
    }

    /// The container has stopped: its grace counts no longer.
    mutating func end() {
        grace = nil
        due = nil
    }

    /// Takes out those that wait.
    mutating func takeWaiting() -> [Responder] {
        defer { waiting = [] }
        return waiting
    }

    /// Takes out the deadlines, which are of no interest any more.
    mutating func takeDeadlines() -> [SocketLoop.Deadline] {
        defer { deadlines = [] }
        return deadlines
    }
}
