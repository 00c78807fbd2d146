import ContainerModel
import ContainerDriver

/// Gathers what the parts of a host have counted. On the loop only.
final class HostFigures {
    /// How long turns of the loop took.
    var turns = Histogram(.turns)
    private let services: HostServices
    private let requests: Requests
    private let commands: CommandSockets
    private let events: EventPublisher
    private let host: HostCommands
    private let startedAt: Timestamp

    init(
        _ services: HostServices, _ requests: Requests, _ commands: CommandSockets, _ events: EventPublisher,
        _ host: HostCommands, startedAt: Timestamp
    ) {
        self.services = services
        self.requests = requests
        self.commands = commands
        self.events = events
        self.host = host
        self.startedAt = startedAt
    }

    /// What the metrics are written from.
    func sources(_ process: ProcessFacts?) -> HostMetrics.Sources {
        HostMetrics.Sources(
            version: WindlassVersion.current, driver: services.driver.name,
            startedAt: UInt64(max(0, startedAt.seconds)) * 1_000_000_000 + UInt64(startedAt.nanoseconds),
            health: host.healthReport, isDraining: services.pool.isDraining, containers: services.pool.figures,
            requests: requests.figures, pending: requests.count, traffic: commands.counters,
            driverCalls: services.calls.figures, creationsWaiting: services.creations.waitingCount,
            outbox: services.outbox, events: events.figures, output: services.output, turns: turns,
            peers: (commands.connections + events.connections).reduce(0) { $0 + $1.count },
            limits: services.configuration.limits,
            process: process)
    }
}
