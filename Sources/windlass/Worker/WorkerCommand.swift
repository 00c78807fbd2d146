import ArgumentParser
import ContainerDriver
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Worker

/// `windlass worker`: serves until it is asked to stop.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Serve this host: take commands, run containers, publish what happens.",
        discussion: """
            Settings come from flags, then the environment (WINDLASS_ and the key in upper case), then the file. When it \
            serves, one line of JSON with the real endpoints goes to stdout; logs go to stderr.
            """)

    @OptionGroup var options: WorkerOptions

    @Option(
        help: ArgumentHelp(
            "Append logs and the ready line to this file; a Windows service has no other output.",
            valueName: "file"))
    var logFile: String?

    func run() async throws {
        let notifier = SystemdNotifier()
        #if !os(Windows)
            // The reader of the logs or of the ready line may go away. That fails a write and must not end the worker.
            signal(SIGPIPE, SIG_IGN)
        #endif
        let requests: AsyncStream<StopRequest>
        let logger: Logger
        let worker: Worker
        let selection: DriverSelection
        do {
            try DescriptorLimit.raise()
            if let logFile { try WorkerLogging.append(to: logFile) }
            requests = try StopRequest.listen()
            var settings = try options.settings(environment: ProcessInfo.processInfo.environment)
            if let refusal = Worker.endpointRefusal(settings.worker) { throw ConfigurationError(refusal) }
            StopRequest.limit.withLock { $0 = settings.worker.times.longestStop }
            logger = WorkerLogging.logger(
                level: settings.logLevel, host: settings.worker.host, format: settings.logFormat)
            selection = try DriverSelection.make(&settings)
            let driver = selection.driver
            try settings.checkProfiles()
            logger.notice(
                "the driver is \(driver.name) (\(driver.version))",
                metadata: selection.reason.map { ["why": "\($0)"] } ?? ["why": "the settings name it"])
            if driver.capabilities.contains(.noIsolation) {
                logger.notice(
                    "the driver \(driver.name) runs processes without any isolation from this host")
            }
            if !driver.capabilities.contains(.restore) {
                logger.notice(
                    "containers do not survive this worker: without --emulator-in-process they would")
            }
            worker = Worker(configuration: settings.worker, driver: driver, logger: logger, supervisor: notifier) {
                WorkerCommand.announce($0)
                notifier?.isReady()
            }
        } catch let error as ConfigurationError {
            WorkerCommand.fail(error.description, code: error.code)
        }
        do {
            try await serve(worker, requests, logger) { [options, logFile] in
                worker.reloadKeys()
                WorkerCommand.reload(options, logFile, logger)
            }
        } catch let error as Worker.StartFailure {
            WorkerCommand.fail(error.description, code: ConfigurationError.exitCode)
        } catch {
            WorkerCommand.fail("\(error)", code: 1)
        }
        selection.afterStop(logger)
        StopRequest.exit(0)
    }

    /// Serves. The first request to stop ends the worker gracefully, the second ends it at once.
    private func serve(
        _ worker: Worker, _ requests: AsyncStream<StopRequest>, _ logger: Logger,
        reload: @escaping @Sendable () -> Void
    ) async throws {
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        let watcher = Task {
            var isStopping = false
            for await request in requests {
                if isStopping {
                    WorkerCommand.fail("asked to stop twice; ending at once", code: request.exitCode)
                }
                isStopping = true
                logger.info("asked to stop", metadata: ["by": "\(request.source)"])
                await services.triggerGracefulShutdown()
            }
        }
        let hangUps = HangUp(reload)
        defer {
            watcher.cancel()
            hangUps.cancel()
        }
        try await services.run()
    }

    /// Reads the settings again, of which the log's level is taken over, and begins the log file again: it may have been
    /// moved away. Everything else takes a new start.
    private static func reload(_ options: WorkerOptions, _ logFile: String?, _ logger: Logger) {
        do {
            if let logFile { try WorkerLogging.append(to: logFile) }
            let settings = try options.settings(environment: ProcessInfo.processInfo.environment)
            LogLevel.shared.set(settings.logLevel)
            logger.notice("the settings were read again", metadata: ["log_level": "\(settings.logLevel)"])
        } catch {
            logger.error("the settings could not be read again", metadata: ["error": "\(error)"])
        }
    }

    /// Writes the ready line: one line of JSON with the endpoints, for the program that started the worker.
    private static func announce(_ endpoints: Worker.Endpoints) {
        struct Ready: Encodable {
            let ready = true
            let commands: [String]
            let events: [String]
            let http: [String]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        guard
            let line = try? encoder.encode(
                Ready(commands: endpoints.commands, events: endpoints.events, http: endpoints.http))
        else { return }
        try? FileHandle.standardOutput.write(contentsOf: line + Data("\n".utf8))
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        let lines = message.split(separator: "\n").map { "windlass: \(String($0).printable)\n" }
        try? FileHandle.standardError.write(contentsOf: Data(lines.joined().utf8))
        StopRequest.exit(code)
    }
}

extension WorkerSettings {
    /// Throws where the default profile does not exist.
    func checkProfiles() throws {
        let problems = profileProblems()
        guard problems.isEmpty else { throw ConfigurationError(problems) }
    }

    /// What is wrong with the default profile.
    /// - Parameter others: profiles that the worker has besides the configured ones.
    func profileProblems(besides others: Set<String> = []) -> [String] {
        let names = others.union(worker.profiles.keys)
        guard let name = worker.defaultProfile, !names.contains(name) else { return [] }
        let source = sources["default_profile"] ?? "the defaults"
        return [
            "\(source): default_profile is \(name), and there are only: \(names.sorted().joined(separator: ", "))"
        ]
    }
}
