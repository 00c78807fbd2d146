import ContainerDriver
import ContainerModel
import ContainerProtocol
import Logging
import ZeroMQ

/// The parts of a running worker, in the order in which they depend on each other. On the loop only.
final class Host {
    private let services: HostServices
    private let requests: Requests
    private let commands: CommandSockets
    private let events: EventPublisher
    private let authenticator: Authenticator
    private let control: AccessControl
    private let check: HostCheck
    private let recovery: Recovery
    private let monitoring: Monitoring
    private let loop: SocketLoop
    private let memory = MemoryTrim()
    private var trimPace = TrimPace()

    /// How long a stop waits until the last events are kept.
    private static let patienceAtEnd = Duration.seconds(3)

    /// Opens the journal and makes the sockets.
    /// - Parameter serverKey: the worker's own key; nil where no other host can come in.
    /// - Parameter stopWorker: what a `drain` with `stop` runs.
    /// - Throws: ``Worker/StartFailure`` where the journal cannot be used.
    init(
        _ configuration: WorkerConfiguration, serverKey: CurveKeyPair?, driver: any ContainerDriver,
        on loop: SocketLoop, logger: Logger, stopWorker: @escaping @Sendable () -> Void
    ) throws {
        let journal: any Journal
        do {
            journal = try configuration.openJournal(on: loop, logger: logger)
        } catch let error as SQLiteJournal.Unusable {
            throw Worker.StartFailure(description: error.description)
        }
        self.loop = loop
        let access = Access(configuration.access, logger: logger)
        authenticator = try Authenticator(access, on: loop)
        events = try EventPublisher(
            configuration: configuration, access: access, journal: journal, on: loop, logger: logger)
        let outbox = Outbox(
            host: configuration.host, journal: journal, sink: events, on: loop, crashPlan: configuration.crashPlan)
        services = HostServices(
            configuration: configuration, loop: loop, driver: driver,
            calls: DriverCalls(on: loop, configuration: configuration), outbox: outbox,
            spools: configuration.journal == .disk
                ? OutputStore(stateDirectory: configuration.stateDirectory, logger: logger) : nil,
            logger: logger)
        services.footing = Footing(driver, configuration.footingLook, on: loop, logger: logger)
        let traffic = Traffic()
        let host = HostCommands(services, traffic: { traffic.figures }, stopWorker: stopWorker)
        let router = CommandRouter(services, host)
        requests = Requests(configuration: configuration, on: loop, outbox: outbox, handler: router)
        commands = try CommandSockets(
            configuration: configuration, access: access, on: loop, logger: logger, receiver: requests)
        requests.sender = commands
        requests.audit = access.audit
        control = AccessControl(
            access, configuration.access, serverKey: serverKey, commands, events, requests, on: loop, logger: logger)
        host.access = control
        (traffic.requests, traffic.commands) = (requests, commands)
        check = HostCheck(services)
        recovery = Recovery(services, requests, journal.takeContents())
        let figures = HostFigures(services, requests, commands, events, host, startedAt: loop.timestamp)
        loop.onTurn { figures.turns.observe($0) }
        monitoring = try Monitoring(
            configuration, on: loop, logger: logger, health: { host.healthReport }, { figures.sources($0) })
        driver.connect(DriverReports(services, on: loop, logger))
    }

    /// Where output is kept beyond the worker's life; nil where it is not.
    var output: OutputStore? { services.spools }

    /// Serves, and takes up what the worker before this one left.
    /// - Parameter restored: runs when the host has been asked for every container.
    /// - Returns: where the worker serves, with the real ports.
    func start(_ restored: @escaping () -> Void) throws -> Worker.Endpoints {
        let endpoints: Worker.Endpoints
        do {
            endpoints = try serve()
        } catch {
            close()
            throw error
        }
        // The first handler, so that new connections do not wait behind requests.
        try authenticator.start()
        control.start()
        try events.start()
        let outbox = services.outbox
        loop.atEndOfTurn { outbox.flush() }
        everySecond()
        try monitoring.start()
        outbox.record(Event(.workerStart))
        recovery.start(restored)
        check.start()
        services.footing?.mendSockets = { [weak self] in
            guard let self else { return nil }
            return commands.mendSockets() ?? self.events.mendSockets()
        }
        services.footing?.start()
        try commands.start()
        return endpoints
    }

    private func serve() throws -> Worker.Endpoints {
        try monitoring.serve()
        return Worker.Endpoints(
            commands: try commands.serve(control.serverKey, authenticator),
            events: try events.serve(control.serverKey, authenticator), http: monitoring.endpoints)
    }

    /// Reads the clients' keys and the server's again.
    func reloadKeys() { control.reload { _ in } }

    /// Gives a supervisor signs of life from now on.
    func reportLife(to supervisor: any Supervisor) {
        supervisor.isAlive(
            WorkerStatus(running: services.pool.figures.states[.running] ?? 0, stuck: services.calls.figures.stuck))
        loop.schedule(after: supervisor.interval) { [weak self] in self?.reportLife(to: supervisor) }
    }

    private func close() {
        monitoring.close()
        control.close()
        events.close()
        services.outbox.close()
        requests.close()
        commands.close()
        authenticator.close()
        services.calls.stop()
        services.pool.close()
    }

    /// While the journal is in trouble, answers to questions go out without it; and a flood's memory is given back.
    private func everySecond() {
        services.outbox.releaseQuestions()
        if services.pool.recovering == 0 {
            // A start needs much memory, and would wait for it.
            if trimPace.isDue(requests: commands.counters.requests) { memory.look() }
            services.pool.removeExpired()
        }
        loop.schedule(after: .seconds(1)) { [weak self] in self?.everySecond() }
    }

    /// Stops taking requests, ends what cannot outlive the worker, publishes the stop, closes the sockets, and runs
    /// `done`.
    func stop(_ done: @escaping () -> Void) {
        commands.stopReceiving()
        let configuration = services.configuration
        let survives = services.driver.capabilities.contains(.restore) && configuration.onStop == .leave
        let finish = Once { [self] in publishStop(then: done) }
        guard !survives else { return finish.run() }
        loop.schedule(after: configuration.times.stop) { [self] in
            if !finish.hasRun { services.logger.warning("not every container ended in time") }
            finish.run()
        }
        services.pool.endAll { finish.run() }
    }

    private func publishStop(then done: @escaping () -> Void) {
        let close = Once { [self] in
            self.close()
            done()
        }
        services.outbox.record(Event(.workerStop))
        services.outbox.afterCommit { [events] in events.flush { close.run() } }
        // A disk that takes nothing more holds up no stop.
        loop.schedule(after: Host.patienceAtEnd) { close.run() }
    }
}

/// What has gone through the command socket, for `health`.
private final class Traffic {
    weak var requests: Requests?
    weak var commands: CommandSockets?
    var figures: (waiting: Int, counters: CommandSocket.Counters) {
        (requests?.count ?? 0, commands?.counters ?? CommandSocket.Counters())
    }
}

/// Work that runs once, at the first request for it. On the loop only.
private final class Once {
    private var work: (() -> Void)?

    init(_ work: @escaping () -> Void) { self.work = work }

    var hasRun: Bool { work == nil }

    func run() {
        let work = work
        self.work = nil
        work?()
    }
}

/// Brings what the driver reports from its threads to the loop.
private struct DriverReports: DriverEvents {
    private let loop: SocketLoop
    private let services: LoopBound<() -> HostServices?>
    private let logger: Logger

    init(_ services: HostServices, on loop: SocketLoop, _ logger: Logger) {
        self.loop = loop
        self.services = LoopBound({ [weak services] in services }, to: loop)
        self.logger = logger
    }

    func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit) {
        loop.post { services.value()?.pool.container(id)?.enter { $0.exited(process, exit) } }
    }

    func serviceDisconnected(_ failure: DriverFailure) {
        logger.error("the container service went away", metadata: ["error": "\(failure)"])
        loop.post { services.value()?.pool.detachAll() }
    }
}
