/// How long the driver waits for HCS; what an operation is worth differs by host, so each is a setting of its own.
public struct Timeouts: Sendable, Equatable {
    /// A compute system to be created.
    public var create: Duration = .seconds(240)
    /// A compute system to start.
    public var start: Duration = .seconds(240)
    /// A compute system to pause.
    public var pause: Duration = .seconds(240)
    /// A compute system to resume.
    public var resume: Duration = .seconds(240)
    /// A graceful shutdown, before the compute system is terminated.
    public var shutDown: Duration = .seconds(300)
    /// A termination.
    public var terminate: Duration = .seconds(300)
    /// A servicing container to end by itself after its process has.
    public var servicing: Duration = .seconds(300)
    /// The termination of what a failed create or start left.
    public var cleanUp: Duration = .seconds(30)
    /// A control signal to be accepted: HCS can hold the call until the program has ended.
    public var signal: Duration = .seconds(2)
    /// A termination through a second handle to show its effect, before the own handle is used.
    public var secondForce: Duration = .seconds(5)
    /// The exit notification of a process that is known to be gone, before HCS is asked instead.
    public var lostExit: Duration = .seconds(1)

    /// The waits of HCS's other clients.
    public static let standard = Timeouts()

    /// The waits of HCS's other clients, to be changed one by one.
    public init() {}
}
