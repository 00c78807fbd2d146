public import ArgumentParser
import Foundation
import HostComputeEmulator
import Logging
import Synchronization
import Threads
import Worker

/// `windlass hcs-emulator`: keeps containers while workers come and go, as the Host Compute Service does on Windows.
struct EmulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hcs-emulator",
        abstract: "Keep the containers of workers that are started with --emulator-socket.",
        discussion: """
            A worker that is given no socket starts one of its own. \
            Containers, their output and their exit codes stay here when a worker ends or is killed, and the next one finds \
            them again. They are plain processes of this user without any isolation, and end when this service does. Only \
            this user, root and --worker-user can connect. When it serves, one line of JSON goes to stdout; logs go to stderr.
            """)

    /// How long containers may take to end when the service is asked to stop.
    private static let patience = Duration.seconds(10)

    @Option(help: ArgumentHelp("Serve on this Unix socket.", valueName: "path"))
    var socket: String

    @Option(help: ArgumentHelp("Keep the containers' layers in this folder.", valueName: "dir"))
    var root: String?

    @Option(
        help: ArgumentHelp(
            "End after so long without a container and a worker; without this option, only when asked to stop.",
            valueName: "seconds"))
    var idleTimeout: Int?

    @Option(
        help: ArgumentHelp(
            "Let workers of this user connect, too; its group must be able to come to the socket.", valueName: "user"))
    var workerUser: String?

    @Option(help: ArgumentHelp("A JSON file of faults, for tests.", valueName: "file"))
    var faults: String?

    @Option(
        help: ArgumentHelp(
            "How many file descriptors a container's processes may have; by default as many as this program was started with.",
            valueName: "number"))
    var containerDescriptors: Int?

    @Option(help: ArgumentHelp("How much to log.", valueName: "level"))
    var logLevel = Logger.Level.info

    func validate() throws {
        guard idleTimeout.map({ (0...86_400).contains($0) }) ?? true else {
            throw ValidationError("--idle-timeout must be from 0 to 86400 seconds")
        }
    }

    func run() async throws {
        let notifier = SystemdNotifier()
        // The reader of the logs or of the ready line may go away. That fails a write and must not end the service.
        signal(SIGPIPE, SIG_IGN)
        let logger = WorkerLogging.logger(level: logLevel.rawValue, host: ProcessInfo.processInfo.hostName)
        let requests: AsyncStream<StopRequest>
        let service: EmulatorService
        do {
            if let containerDescriptors { DescriptorLimit.given.withLock { $0 = containerDescriptors } }
            try DescriptorLimit.raise()
            requests = try StopRequest.listen()
            service = try serve()
        } catch {
            EmulatorCommand.fail("\(error)", code: ConfigurationError.exitCode)
        }
        // There is nothing to read again.
        let hangUps = HangUp {}
        defer { hangUps.cancel() }
        logger.notice(
            "containers are kept, without any isolation from this host", metadata: ["socket": "\(service.path)"])
        announce(service.path)
        notifier?.isReady()
        if let idleTimeout {
            let isStarted = SystemThread.start("idle") {
                service.stopWhenUnused(for: .seconds(idleTimeout))
                logger.notice("there is no container and no worker left; ending")
                StopRequest.exit(0)
            }
            if !isStarted { logger.error("the system gives no threads; the idle timeout is ignored") }
        }
        var isEnding = false
        for await request in requests {
            if isEnding { EmulatorCommand.fail("asked to stop twice; ending at once", code: request.exitCode) }
            isEnding = true
            notifier?.isStopping(within: EmulatorCommand.patience * 3)
            logger.notice("stopping: every container that is kept here ends", metadata: ["by": "\(request.source)"])
            let isStarted = SystemThread.start("end") { EmulatorCommand.end(service, logger) }
            if !isStarted { EmulatorCommand.end(service, logger) }
        }
    }

    private func serve() throws -> EmulatorService {
        let root = root.map { URL(fileURLWithPath: $0).path }
        let folder = root ?? DriverSelection.emulatorRoot(WorkerSettings().worker.stateDirectory)
        var settings = DriverSelection.emulatorSettings(root: folder, faults: faults)
        settings.keepsExited = true
        let worker = try workerUser.map { name in try SystemUser.number(of: name, "--worker-user") }
        let service = try EmulatorService(
            socket: socket, settings, worker: worker, program: "windlass \(WindlassVersion.current)")
        try DriverSelection.makeUtilityVM(root: folder)
        return service
    }

    /// Ends the containers, and then the service: workers are notified of the exits before they lose the connection.
    private static func end(_ service: EmulatorService, _ logger: Logger) {
        var (ended, left) = service.endContainers(EmulatorCommand.patience)
        service.stop()
        // Containers that were created meanwhile.
        let late = service.endContainers(EmulatorCommand.patience)
        ended += late.ended
        left = late.left
        let level: Logger.Level = left == 0 ? .notice : .error
        logger.log(level: level, "the containers have ended", metadata: ["ended": "\(ended)", "left": "\(left)"])
        StopRequest.exit(left == 0 ? 0 : 1)
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        try? FileHandle.standardError.write(contentsOf: Data("windlass: \(message.printable)\n".utf8))
        StopRequest.exit(code)
    }

    /// Writes the ready line: one line of JSON with the socket, for the program that started the service.
    private func announce(_ path: String) {
        struct Ready: Encodable {
            let ready = true
            let socket: String
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        guard let line = try? encoder.encode(Ready(socket: path)) else { return }
        try? FileHandle.standardOutput.write(contentsOf: line + Data("\n".utf8))
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
