public import ContainerDriver
import ContainerProtocol
import Foundation
public import Logging
public import ServiceLifecycle
import Threads
import ZeroMQ

/// One host's worker: takes commands, runs them against the driver, publishes what happens.
///
/// `run()` serves until it is cancelled or asked to shut down gracefully, and closes everything before it returns.
public final class Worker: Service {
    private let configuration: WorkerConfiguration
    private let driver: any ContainerDriver
    private let logger: Logger
    private let onReady: @Sendable (Endpoints) -> Void

    /// Where a worker serves, with the real ports.
    public struct Endpoints: Sendable {
        /// The ROUTER's.
        public var commands: [String]
        /// The publisher's.
        public var events: [String]
    }

    /// Why a worker cannot start.
    public struct StartFailure: Error, CustomStringConvertible {
        /// One sentence for a person.
        public let description: String
    }

    /// A worker that runs containers with `driver`.
    /// - Parameter onReady: called once, when it serves.
    public init(
        configuration: WorkerConfiguration, driver: any ContainerDriver, logger: Logger,
        onReady: @escaping @Sendable (Endpoints) -> Void
    ) {
        self.configuration = configuration
        self.driver = driver
        self.logger = logger
        self.onReady = onReady
    }

    /// What is wrong with where the configuration would have the worker serve; nil where nothing is.
    public static func endpointRefusal(_ configuration: WorkerConfiguration) -> String? {
        for text in configuration.commandEndpoints {
            if let refusal = Endpoint(text).refusal(setting: "commands") { return refusal }
        }
        for text in configuration.eventEndpoints {
            if let refusal = Endpoint(text).refusal(setting: "events") { return refusal }
        }
        return nil
    }

    /// Serves.
    /// - Throws: ``StartFailure`` where it cannot begin.
    public func run() async throws {
        if let refusal = Worker.endpointRefusal(configuration) { throw StartFailure(description: refusal) }
        try StateDirectory.prepare(configuration.stateDirectory)
        let loop = try SocketLoop(context: try Context(), name: "socket-loop")
        let (stopRequests, stop) = AsyncStream.makeStream(of: Void.self)
        let host: Host
        do {
            host = try await start(on: loop) { stop.yield() }
        } catch {
            try? await offTheCooperativePool { loop.stop() }
            throw error
        }
        onReady(host.endpoints)
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                for await _ in stopRequests { break }
            } onCancel: {
                stop.yield()
            }
        } onGracefulShutdown: {
            stop.yield()
        }
        logger.info("stopping")
        await end(host)
        // Only when the context has gone has everything been sent that is to be sent.
        try? await offTheCooperativePool {
            loop.stop()
            loop.context.terminate()
        }
        host.calls.stop()
    }

    /// What a running worker consists of.
    private struct Host: Sendable {
        let loop: SocketLoop
        let gateway: CommandGateway
        let events: EventPublisher
        let calls: DriverCalls
        let endpoints: Endpoints
    }

    private func start(on loop: SocketLoop, stop: @escaping @Sendable () -> Void) async throws -> Host {
        let (configuration, driver, logger) = (configuration, driver, logger)
        let (restored, isRestored) = AsyncStream.makeStream(of: Void.self)
        let host = try await offTheCooperativePool {
            try loop.perform {
                let journal: any Journal
                do {
                    journal = try configuration.openJournal(on: loop, logger: logger)
                } catch let error as SQLiteJournal.Unusable {
                    throw StartFailure(description: error.description)
                }
                let events = try EventPublisher(
                    configuration: configuration, journal: journal, loop: loop, logger: logger)
                let calls = DriverCalls(loop: loop, configuration: configuration)
                let services = HostServices(
                    configuration: configuration, loop: loop, driver: driver, calls: calls,
                    creations: CreationLimit(configuration.limits.creations, on: loop.asUnownedSerialExecutor()),
                    events: events, logger: logger,
                    spools: configuration.journal == .disk
                        ? OutputStore(stateDirectory: configuration.stateDirectory, logger: logger) : nil)
                let gateway = try CommandGateway(services: services)
                let pool = gateway.assumeIsolated { $0.pool }
                driver.connect(DriverEventSink(loop: loop, pool: pool, logger: logger))

                let eventEndpoints = try events.assumeIsolated { events in
                    try configuration.eventEndpoints.map { try events.serve(Endpoint($0)) }
                }
                let commandEndpoints = try gateway.assumeIsolated { gateway in
                    try configuration.commandEndpoints.map { try gateway.serve(Endpoint($0)) }
                }
                events.assumeIsolated { events in
                    events.start(on: loop)
                    events.record(Event(.workerStart))
                }
                let contents = journal.takeContents()
                gateway.assumeIsolated { gateway in
                    gateway.whenAskedToStop(stop)
                    gateway.restore(contents) { isRestored.finish() }
                    gateway.pool.assumeIsolated { $0.keepChecking(every: configuration.times.checkInterval) }
                    gateway.start()
                }
                // Containers that a service hangs over keep nobody from the others.
                loop.schedule(after: Worker.patienceAtStart) { isRestored.finish() }
                return Host(
                    loop: loop, gateway: gateway, events: events, calls: calls,
                    endpoints: Endpoints(commands: commandEndpoints, events: eventEndpoints))
            }
        }
        for await _ in restored {}
        return host
    }

    /// How long a stop waits until the last events are kept.
    private static let patienceAtEnd = Duration.seconds(3)
    /// How long a start waits for the containers of the worker before it.
    private static let patienceAtStart = Duration.seconds(10)

    /// Takes no more requests, ends what cannot outlive the worker, tells the collectors, and closes the sockets.
    private func end(_ host: Host) async {
        let survives = driver.capabilities.contains(.restore) && configuration.onStop == .leave
        let deadline = configuration.times.stop
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            host.loop.post { [logger] in
                let close = Once {
                    host.events.assumeIsolated { $0.close(on: host.loop) }
                    host.gateway.assumeIsolated { $0.close() }
                    done.resume()
                }
                let finish = Once {
                    host.events.assumeIsolated { events in
                        events.record(Event(.workerStop))
                        events.whenPublished { close.run() }
                    }
                    // A disk that takes nothing more holds up nobody's end.
                    host.loop.schedule(after: Worker.patienceAtEnd) { close.run() }
                }
                let pool = host.gateway.assumeIsolated { gateway in
                    gateway.stopReceiving()
                    return gateway.pool
                }
                guard !survives else { return finish.run() }
                host.loop.schedule(after: deadline) {
                    logger.warning("not every container ended in time")
                    finish.run()
                }
                pool.assumeIsolated { $0.endAll { finish.run() } }
            }
        }
    }
}

/// Something that is done once, whoever asks first. Used on the loop only.
private final class Once: @unchecked Sendable {
    // Sendable: made and run on the socket loop's thread only.
    private var work: (() -> Void)?

    init(_ work: @escaping () -> Void) { self.work = work }

    func run() {
        work?()
        work = nil
    }
}

/// Brings what the driver tells from its threads to the loop.
private struct DriverEventSink: DriverEvents {
    let loop: SocketLoop
    let pool: ContainerPool
    let logger: Logger

    func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit) {
        loop.post { pool.assumeIsolated { $0.exited(id, process, exit) } }
    }

    func serviceDisconnected(_ failure: DriverFailure) {
        logger.error("the container service went away", metadata: ["error": "\(failure)"])
        loop.post { pool.assumeIsolated { $0.detachAll() } }
    }
}

/// Runs what blocks on a thread of its own: Swift's cooperative pool must not wait. Where there is no thread to be had it
/// waits all the same, for this happens at the beginning and at the end only.
private func offTheCooperativePool<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws
    -> Result
{
    let outcome: Swift.Result<Result, any Error> = await withCheckedContinuation { continuation in
        let isStarted = SystemThread.start("start-or-stop") {
            continuation.resume(returning: Swift.Result { try work() })
        }
        if !isStarted { continuation.resume(returning: Swift.Result { try work() }) }
    }
    return try outcome.get()
}
