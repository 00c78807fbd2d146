import CHostCompute
import Glibc
import Synchronization

/// The emulator of this process, served on a Unix socket: compute systems, processes, exit codes and unread output stay
/// while clients come and go.
///
/// Who may connect is the user of this process and root. A client that sends what is no message is disconnected; one
/// that goes away is treated as a process that dies: its handles and registrations are closed, and compute systems live
/// on unless their documents say otherwise.
public final class EmulatorService: Sendable {
    /// The most clients at a time.
    private static let mostSessions = 64
    private static let stackSize = 512 * 1024

    private struct State {
        var sessions: [ObjectIdentifier: ServiceSession] = [:]
        var stopped = false
    }

    /// The path of the socket.
    public let path: String
    private let root: String
    private let listener: SocketListener
    private let state = Mutex(State())

    /// Configures the emulator and serves it at `path`, whose folder is made where it is missing.
    ///
    /// - Throws: ``ConfigurationFailure`` where the settings will not do, or another service serves at `path`.
    public init(socket path: String, _ settings: HostComputeEmulator.Settings) throws(ConfigurationFailure) {
        listener = try SocketListener(path)
        try HostComputeEmulator.configure(settings)
        self.path = path
        root = settings.root
        let started = PosixThread.start(stackSize: EmulatorService.stackSize) { [self] in accept() }
        guard started else {
            listener.close()
            throw ConfigurationFailure(description: "the system has no thread left")
        }
    }

    /// Takes no more clients and disconnects those that there are. Compute systems are left as they are.
    public func stop() {
        let sessions = state.withLock { state in
            state.stopped = true
            return Array(state.sessions.values)
        }
        listener.close()
        for session in sessions { session.end() }
    }

    /// How many clients there are.
    public var clients: Int { state.withLock { $0.sessions.count } }

    /// Ends every compute system and all that runs in them, and waits for it as long as `patience`.
    ///
    /// - Returns: how many there were, and how many did not end in time.
    public func endContainers(_ patience: Duration = .seconds(10)) -> (ended: Int, left: Int) {
        ComputeService.shared.endAll(patience)
    }

    private func accept() {
        while let socket = listener.accept() {
            let session = ServiceSession(socket, root: root)
            let taken = state.withLock { state in
                guard !state.stopped, state.sessions.count < EmulatorService.mostSessions else { return false }
                state.sessions[ObjectIdentifier(session)] = session
                return true
            }
            guard taken else { continue }
            let started = PosixThread.start(stackSize: EmulatorService.stackSize) { [self] in
                session.run()
                forget(session)
            }
            if !started { forget(session) }
        }
    }

    private func forget(_ session: ServiceSession) {
        _ = state.withLock { $0.sessions.removeValue(forKey: ObjectIdentifier(session)) }
    }
}
