import CHostCompute
import Dispatch
import Glibc
import Synchronization
import Threads

/// The emulator of this process, served on a Unix socket: compute systems, processes, exit codes and unread output stay
/// while clients come and go.
///
/// The user of this process and root may connect. A client that sends a malformed message is disconnected. A client
/// that goes away is treated like a process that dies: its handles and registrations are closed, and compute systems
/// live on unless their documents end them with their last handle.
public final class EmulatorService: Sendable {
    /// The most clients at a time.
    private static let mostSessions = 64

    private struct State {
        var sessions: [ObjectIdentifier: ServiceSession] = [:]
        var stopped = false
    }

    /// The path of the socket.
    public let path: String
    private let greeting: ServiceHandshake
    private let listener: SocketListener
    private let state = Mutex(State())
    /// Signalled when a client has come or gone, and when the last compute system has gone.
    private let changes = DispatchSemaphore(value: 0)

    /// Configures the emulator and serves it at `path`, whose folder is made where it is missing.
    ///
    /// - Parameters:
    ///   - worker: another user, whose workers may connect.
    ///   - program: the name of this program in the handshake, as `windlass 1.2.0`.
    /// - Throws: ``ConfigurationFailure`` if the settings are not valid, or another service serves at `path`.
    public init(
        socket path: String, _ settings: HostComputeEmulator.Settings, worker: UInt32? = nil, program: String = ""
    ) throws(ConfigurationFailure) {
        listener = try SocketListener(path, worker: worker)
        try HostComputeEmulator.configure(settings)
        self.path = path
        greeting = ServiceHandshake(root: settings.root, program: program)
        ComputeService.shared.emptied.withLock { $0 = { [changes] in changes.signal() } }
        let started = SystemThread.start("emulator") { [self] in accept() }
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

    /// Waits until there has been neither a client nor a compute system for as long as `patience`, and then takes no
    /// more clients. A compute system that has stopped counts until a client has opened and closed it.
    public func stopWhenUnused(for patience: Duration) {
        let pause = DispatchTimeInterval.milliseconds(Int(patience / .milliseconds(1)))
        while true {
            if !isUnused {
                changes.wait()
            } else if changes.wait(timeout: .now() + pause) == .timedOut, stopIfUnused() {
                return
            }
        }
    }

    private var isUnused: Bool { clients == 0 && ComputeService.shared.isEmpty }

    /// A client comes before the decision and is kept, or after it and is turned away.
    private func stopIfUnused() -> Bool {
        let stops = state.withLock { state in
            guard state.sessions.isEmpty, ComputeService.shared.isEmpty else { return false }
            state.stopped = true
            return true
        }
        if stops { listener.close() }
        return stops
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
            let session = ServiceSession(socket, greeting)
            let taken = state.withLock { state in
                guard !state.stopped, state.sessions.count < EmulatorService.mostSessions else { return false }
                state.sessions[ObjectIdentifier(session)] = session
                return true
            }
            guard taken else { continue }
            changes.signal()
            let started = SystemThread.start("emulator") { [self] in
                session.run()
                forget(session)
            }
            if !started { forget(session) }
        }
    }

    private func forget(_ session: ServiceSession) {
        _ = state.withLock { $0.sessions.removeValue(forKey: ObjectIdentifier(session)) }
        changes.signal()
    }
}
