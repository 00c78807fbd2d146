/// What watches over a worker from outside, such as systemd. May be called on any thread, and never blocks.
public protocol Supervisor: Sendable {
    /// The longest time between two signs of life.
    var interval: Duration { get }

    /// A sign of life, from the loop itself: a loop that hangs gives none.
    func isAlive(_ status: WorkerStatus)

    /// The worker has begun to stop, which takes no longer than this.
    func isStopping(within limit: Duration)
}

/// What a worker has to say in one line.
public struct WorkerStatus: Sendable, Equatable {
    /// Containers that run.
    public var running: Int
    /// Driver calls that have outlived their watchdog.
    public var stuck: Int

    /// A status.
    public init(running: Int, stuck: Int) {
        self.running = running
        self.stuck = stuck
    }
}
