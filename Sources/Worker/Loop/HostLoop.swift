import ContainerModel
import ZeroMQ

/// What the core needs of the loop that it runs on: a place in line, the time, and deadlines.
///
/// `SocketLoop` is the real one. Tests give one whose turns they make and whose time they move by hand.
protocol HostLoop: SerialExecutor {
    /// The time, for durations.
    var now: ContinuousClock.Instant { get }
    /// The wall clock's time, for records and events.
    var timestamp: Timestamp { get }
    /// Whether the caller runs on the loop.
    var isCurrent: Bool { get }

    /// Runs `work` on the loop, after what was posted before it. From any thread.
    func post(_ work: @escaping @Sendable () -> Void)

    /// Runs `work` once after `duration`. On the loop only.
    @discardableResult
    func schedule(after duration: Duration, _ work: @escaping () -> Void) -> SocketLoop.Deadline

    /// Cancels a deadline; one that has fired is ignored. On the loop only.
    func cancel(_ deadline: SocketLoop.Deadline)
}

extension SocketLoop: HostLoop {
    var now: ContinuousClock.Instant { .now }
    var timestamp: Timestamp { .now }
}

/// Bounds how long work that walks many containers may hold the loop: the rest follows in a later turn.
struct TimeSlice {
    private let loop: any HostLoop
    private let end: ContinuousClock.Instant

    /// The longest slice.
    private static let length = Duration.milliseconds(2)

    /// Begins now.
    init(on loop: any HostLoop) {
        self.loop = loop
        end = loop.now + TimeSlice.length
    }

    /// Whether the rest must wait for a later turn.
    var isOver: Bool { loop.now >= end }
}
