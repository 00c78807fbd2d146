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
    private let supervisor: (any Supervisor)?
    private let onReady: @Sendable (Endpoints) -> Void

    private let (reloads, reloadRequests) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Has the clients' keys and the server's read again, from any thread.
    public func reloadKeys() { reloadRequests.yield() }

    /// Where a worker serves, with the real ports.
    public struct Endpoints: Sendable {
        /// The ROUTER's.
        public var commands: [String]
        /// The publisher's.
        public var events: [String]
        /// Of metrics and health by HTTP.
        public var http: [String]
    }

    /// Why a worker cannot start.
    public struct StartFailure: Error, CustomStringConvertible {
        /// One sentence for a person.
        public let description: String
    }

    /// A worker that runs containers with `driver`.
    /// - Parameters:
    ///   - supervisor: gets signs of life while it serves.
    ///   - onReady: called once, when it serves.
    public init(
        configuration: WorkerConfiguration, driver: any ContainerDriver, logger: Logger,
        supervisor: (any Supervisor)? = nil, onReady: @escaping @Sendable (Endpoints) -> Void
    ) {
        self.configuration = configuration
        self.driver = driver
        self.logger = logger
        self.supervisor = supervisor
        self.onReady = onReady
    }

    /// Whether an endpoint is one that only this host can reach, where peers need no keys.
    public static func isOnThisHost(_ endpoint: String) -> Bool { Endpoint(endpoint).isLocal }

    /// What is wrong with where the configuration would have the worker serve; nil where nothing is.
    public static func endpointRefusal(_ configuration: WorkerConfiguration) -> String? {
        endpointRefusals(configuration).first
    }

    /// Everything that is wrong with where the configuration would have the worker serve.
    static func endpointRefusals(_ configuration: WorkerConfiguration) -> [String] {
        let hasKey = configuration.access.serverKey != nil
        let endpoints =
            configuration.commandEndpoints.map { (setting: "commands", text: $0) }
            + configuration.eventEndpoints.map { (setting: "events", text: $0) }
        return endpoints.compactMap { Endpoint($0.text).refusal(setting: $0.setting, hasKey: hasKey) }
            + (configuration.httpEndpoints ?? []).compactMap { Endpoint($0).refusalForHTTP }
    }

    /// Serves.
    /// - Throws: ``StartFailure`` where it cannot begin.
    public func run() async throws {
        if let refusal = Worker.endpointRefusal(configuration) { throw StartFailure(description: refusal) }
        let serverKey = try configuration.access.serverKey.map { path throws(StartFailure) in try ServerKey.read(path) }
        try StateDirectory.prepare(configuration.stateDirectory)
        let loop = try SocketLoop(context: try Context(), name: "socket-loop")
        let (stopRequests, stop) = AsyncStream.makeStream(of: Void.self)
        let started: Started
        do {
            started = try await start(on: loop, serverKey) { stop.yield() }
        } catch {
            try? await offTheCooperativePool { loop.stop() }
            throw error
        }
        let reloading = Task { [reloads] in
            for await _ in reloads { loop.post { started.host.value.reloadKeys() } }
        }
        defer { reloading.cancel() }
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
        supervisor?.isStopping(within: configuration.times.longestStop)
        await withCheckedContinuation { stopped in loop.post { started.host.value.stop { stopped.resume() } } }
        // The context ends only after all pending messages have been sent.
        try? await offTheCooperativePool {
            loop.stop()
            loop.context.terminate()
            started.output?.catchUp()
        }
    }

    private struct Started: Sendable {
        let host: LoopBound<Host>
        /// Where output is kept, to bring its files up to date at the end.
        let output: OutputStore?
    }

    /// How long a start waits for the containers of the worker before it: those that a service hangs over hold up no
    /// others.
    private static let patienceAtStart = Duration.seconds(10)

    /// Serves, and waits until the containers of the worker before this one have been found.
    private func start(
        on loop: SocketLoop, _ serverKey: CurveKeyPair?, stop: @escaping @Sendable () -> Void
    ) async throws -> Started {
        let (configuration, driver, logger, supervisor) = (configuration, driver, logger, supervisor)
        let (restored, isRestored) = AsyncStream.makeStream(of: Void.self)
        let (started, endpoints) = try await offTheCooperativePool {
            try loop.perform {
                let host = try Host(
                    configuration, serverKey: serverKey, driver: driver, on: loop, logger: logger, stopWorker: stop)
                let endpoints = try host.start { isRestored.finish() }
                if let supervisor { host.reportLife(to: supervisor) }
                loop.schedule(after: Worker.patienceAtStart) { isRestored.finish() }
                return (Started(host: LoopBound(host, to: loop), output: host.output), endpoints)
            }
        }
        for await _ in restored {}
        onReady(endpoints)
        return started
    }
}

/// Runs blocking work on a thread of its own, because Swift's cooperative pool must not wait. If the system gives no
/// thread, the pool waits after all; this happens only when the worker starts or stops.
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
