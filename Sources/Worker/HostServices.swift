import ContainerDriver
import Logging
import ZeroMQ

/// What every container of a host needs of its worker.
struct HostServices: Sendable {
    let configuration: WorkerConfiguration
    let loop: SocketLoop
    let driver: any ContainerDriver
    let calls: DriverCalls
    let creations: CreationLimit
    let events: EventPublisher
    let logger: Logger
    /// Where output is kept beyond the worker's life; nil where it is not.
    let spools: OutputStore?

    /// A place where a test may have the worker die.
    func crash(_ point: CrashPoint) { configuration.crashPlan?.reach(point) }
}
