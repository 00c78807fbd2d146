import ContainerDriver
import Logging

/// What every container of a host needs of its worker. On the loop only.
final class HostServices {
    let configuration: WorkerConfiguration
    let loop: any HostLoop
    let driver: any ContainerDriver
    let calls: DriverCalls
    /// Creations and starts: start storms kill Windows hosts.
    let creations: CallLimit
    /// Openings: more of them side by side only contend for the service.
    let openings = CallLimit(8)
    let outbox: Outbox
    /// Where output is kept beyond the worker's life; nil where it is not.
    let spools: OutputStore?
    let logger: Logger
    /// What is counted of the output of all containers.
    let output = OutputFigures()
    private(set) lazy var pool = ContainerPool(self)
    /// What can vanish under the worker; nil in tests of its core.
    var footing: Footing?

    init(
        configuration: WorkerConfiguration, loop: any HostLoop, driver: any ContainerDriver, calls: DriverCalls,
        outbox: Outbox, spools: OutputStore?, logger: Logger
    ) {
        self.configuration = configuration
        self.loop = loop
        self.driver = driver
        self.calls = calls
        creations = CallLimit(configuration.limits.creations)
        self.outbox = outbox
        self.spools = spools
        self.logger = logger
    }

    /// The limit of calls of a kind; nil where there is none.
    func limit(_ kind: CallKind) -> CallLimit? {
        switch kind {
        case .create, .start: creations
        case .open: openings
        default: nil
        }
    }

    /// A place where a test may have the worker die.
    func crash(_ point: CrashPoint) { configuration.crashPlan?.reach(point) }
}
