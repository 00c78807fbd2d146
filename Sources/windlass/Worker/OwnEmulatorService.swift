import CLinux
import Foundation
import HostComputeEmulator
import Logging
import Synchronization

/// The emulator service of one worker, in its state folder. The worker starts it where none answers; it outlives the
/// worker, keeps the containers, and ends by itself when it has been unused for a while.
final class OwnEmulatorService: Sendable {
    /// How long it stays without a container and without a worker.
    static let idleSeconds = 3
    /// How long it may take to end its containers and itself.
    private static let patience = Duration.seconds(15)
    /// Beyond this many bytes its log is begun again at the next start.
    private static let longestLog: Int64 = 1 << 20

    let socket: String
    private let root: String
    private let log: String
    private struct State {
        /// The process that was started last, unless it is known to have ended.
        var child: pid_t?
        /// How often in a row it has refused to serve.
        var refusals = 0
        /// Why it could not be started.
        var failure: ConfigurationError?
    }

    private let state = Mutex(State())

    init(stateDirectory: String) {
        let folder = URL(fileURLWithPath: stateDirectory)
        socket = folder.appendingPathComponent("emulator.sock").path
        log = folder.appendingPathComponent("emulator.log").path
        root = DriverSelection.emulatorRoot(stateDirectory)
    }

    /// Connects to the service, and starts it where there is none.
    func connect() throws(ConfigurationError) -> HostComputeEmulator.Remote {
        do throws(ConfigurationFailure) {
            return try HostComputeEmulator.connect(socket: socket, patience: .seconds(10)) { [self] in start() }
        } catch {
            if let failure = state.withLock(\.failure) { throw failure }
            throw ConfigurationError(
                "state_dir: \(error)", code: error.canPass ? EX_UNAVAILABLE : ConfigurationError.exitCode)
        }
    }

    /// Ends it with everything that it keeps, and waits for that.
    func end(_ logger: Logger) {
        guard let pid = HostComputeEmulator.servicePID, kill(pid, SIGTERM) == 0 else { return }
        let deadline = ContinuousClock.now + OwnEmulatorService.patience
        while HostComputeEmulator.servicePID == pid, ContinuousClock.now < deadline { usleep(20_000) }
        if HostComputeEmulator.servicePID == pid {
            logger.warning("the emulator service did not end in time", metadata: ["pid": "\(pid)"])
        }
    }

    /// Starts it, unless the one that was started last is still about to serve.
    /// - Returns: false where another try is of no use.
    private func start() -> Bool {
        state.withLock { state in
            if let pid = state.child {
                var status: Int32 = 0
                if waitpid(pid, &status, WNOHANG) == 0 { return true }
                state.child = nil
                state.failure = refusal(status)
                state.refusals = state.failure == nil ? 0 : state.refusals + 1
                // The first time it may be that another worker, which has died since, had started one, too.
                if state.refusals > 1 { return false }
            }
            do throws(ConfigurationError) {
                state.child = try spawn()
                return true
            } catch {
                state.failure = error
                return false
            }
        }
    }

    /// The service's last log line if it refused to serve; nil if it ended otherwise.
    private func refusal(_ status: Int32) -> ConfigurationError? {
        guard status == ConfigurationError.exitCode << 8 else { return nil }
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").last.map { String($0.prefix(1000)) }
        return ConfigurationError("the emulator service of this worker does not start (\(log)): \(line ?? "")")
    }

    /// Starts this program as the service: in a session of its own, with its log for all output, and with nothing that
    /// this process has open.
    private func spawn() throws(ConfigurationError) -> pid_t {
        OwnEmulatorService.keepDescriptors()
        var status = stat()
        let tooLong = stat(log, &status) == 0 && status.st_size > OwnEmulatorService.longestLog
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | (tooLong ? O_TRUNC : 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, flags, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)

        // Signals that this process ignores or blocks are none of the service's.
        var attributes = posix_spawnattr_t()
        linux_own_session(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }

        let words =
            [
                "windlass", "hcs-emulator", "--socket", socket, "--root", root, "--idle-timeout",
                "\(OwnEmulatorService.idleSeconds)",
            ] + (DescriptorLimit.given.withLock { $0 }.map { ["--container-descriptors", "\($0)"] } ?? [])
        let arguments = words.map { strdup($0) }
        defer { for word in arguments { free(word) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, OwnEmulatorService.program, &actions, &attributes, arguments + [nil], environ)
        guard error == 0 else {
            throw ConfigurationError(
                "the emulator service of this worker cannot be started with the log \(log): "
                    + String(cString: strerror(error)), code: EX_UNAVAILABLE)
        }
        return pid
    }

    /// The file of this program, where it is still there.
    private static var program: String {
        let own = "/proc/self/exe"
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: own)) ?? own
        return access(path, X_OK) == 0 ? path : own
    }

    /// Keeps what this process has been given by its own parent from the service, too: all else is closed on exec
    /// already.
    private static func keepDescriptors() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
    }
}
