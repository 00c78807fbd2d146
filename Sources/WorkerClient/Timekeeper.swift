import ZeroMQ

/// Where the client's time and chance come from: the system, or a test.
protocol Timekeeper: Sendable {
    /// The present.
    var now: ContinuousClock.Instant { get }

    /// A number from 0 to 1.
    func chance() -> Double

    /// Runs `work` on `loop` after `duration`. Called on the loop.
    func schedule(
        _ purpose: Alarm.Purpose, after duration: Duration, on loop: SocketLoop, _ work: @escaping @Sendable () -> Void
    ) -> Alarm
}

/// Something that will happen, unless it is taken back.
struct Alarm: Sendable {
    /// What it is for.
    enum Purpose: Sendable {
        /// The caller's time is up.
        case deadline
        /// A try has had no answer for long.
        case patience
        /// A try failed, and the next is due.
        case backoff
        /// The connection broke, and the next is due.
        case reconnection
        /// The rest of the input is offered again to a process that has not taken all of it.
        case input
    }

    /// Takes it back; one that has happened is no matter. On the loop.
    let cancel: @Sendable () -> Void
}

/// The system's clock and chance.
struct SystemTimekeeper: Timekeeper {
    var now: ContinuousClock.Instant { .now }

    func chance() -> Double { Double.random(in: 0...1) }

    func schedule(
        _ purpose: Alarm.Purpose, after duration: Duration, on loop: SocketLoop, _ work: @escaping @Sendable () -> Void
    ) -> Alarm {
        let deadline = loop.schedule(after: duration, work)
        return Alarm { loop.cancel(deadline) }
    }
}
