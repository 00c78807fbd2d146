import CHostCompute
import Glibc
import Synchronization

/// The client of an emulator service: its connection, and the handles that it has given out.
///
/// A handle belongs to the connection that it was made through and dies with it. Its number is this side's own, since a
/// service that was restarted would give out the same ones again.
final class RemoteEmulator: Sendable {
    /// Why there is no connection.
    enum Refusal: Error, Equatable {
        case absent
        /// The socket is another user's.
        case stranger
        case otherVersion(UInt64, HostComputeEmulator.Remote.Service)
        /// What answers is no emulator service.
        case nonsense
        case badPath
        /// Of this process.
        case noDescriptor, noThread

        /// The code for a call that needs the connection.
        var code: HcsResult {
            switch self {
            case .noDescriptor: ResultCode.tooManyOpenFiles
            case .noThread: ResultCode.noThreadLeft
            default: ResultCode.serverUnavailable
            }
        }

        func message(_ path: String) -> String {
            switch self {
            case .absent:
                "no emulator service answers at '\(path)'; start one: windlass hcs-emulator --socket \(path)"
            case .stranger:
                "the service at '\(path)' belongs to another user; start one of your own at another path, or set emulator_user to that "
                    + "user's name"
            case .otherVersion(let version, let service):
                "the emulator service at '\(path)' was started by another release: it speaks version \(version), this "
                    + "program \(ServiceHandshake.version). Use that release until its containers have ended, or end it with "
                    + "all of them: kill \(service.pid)"
            case .nonsense: "what answers at '\(path)' is no emulator service"
            case .badPath: UnixAddress.failure(path).description
            case .noDescriptor: "no file descriptor is free for the emulator service at '\(path)'"
            case .noThread: "no thread can be made for the emulator service at '\(path)'"
            }
        }
    }

    /// The one that the table's functions use: they capture nothing.
    static let shared = Mutex<RemoteEmulator?>(nil)

    /// How long a call waits for a service that it has had started.
    private static let startPatience = Duration.seconds(5)

    let path: String
    let handles = RemoteHandles()
    private let user: UInt32?
    private let start: (@Sendable () -> Bool)?
    private let connection = Mutex<RemoteConnection?>(nil)

    /// - Parameters:
    ///   - user: another user, whose service is trusted.
    ///   - start: starts a service where none answers; see
    ///     ``HostComputeEmulator/connect(socket:of:patience:start:)``.
    init(_ path: String, of user: UInt32? = nil, start: (@Sendable () -> Bool)? = nil) {
        self.path = path
        self.user = user
        self.start = start
    }

    /// The connection that there is, or a new one.
    /// - Parameter patience: how long a service that does not answer is waited for.
    func connect(patience: Duration = .zero) throws(Refusal) -> RemoteConnection {
        try connection.withLock { (connection) throws(Refusal) in
            if let connection, !connection.isLost { return connection }
            let deadline = ContinuousClock.now + patience
            while true {
                do throws(Refusal) {
                    let made = try RemoteConnection(path, of: user)
                    connection = made
                    return made
                } catch {
                    guard error == .absent, ContinuousClock.now < deadline, start?() ?? true else { throw error }
                }
                usleep(20_000)
            }
        }
    }

    /// The connection that there is.
    var connected: RemoteConnection? {
        connection.withLock { connection in
            guard let connection, !connection.isLost else { return nil }
            return connection
        }
    }

    /// Lets the connection go, as the end of this process would.
    func disconnect() {
        connection.withLock { $0 }?.end()
    }

    /// The connection for a call that needs no handle.
    private func reach() throws(HostFailure) -> RemoteConnection {
        do throws(Refusal) {
            return try connect(patience: start == nil ? .zero : RemoteEmulator.startPatience)
        } catch {
            throw HostFailure(code: error.code, message: error.message(path))
        }
    }
}

/// The service that this process is connected to.
struct RemoteBackend: EmulatorBackend {
    func answer(_ request: EmulatorRequest, _ subscription: Subscription?) throws(HostFailure) -> EmulatorReply {
        guard let emulator = RemoteEmulator.shared.withLock({ $0 }) else { throw ComputeService.dead }
        return try emulator.answer(request, subscription)
    }
}

extension RemoteEmulator: EmulatorBackend {
    func answer(_ request: EmulatorRequest, _ subscription: Subscription?) throws(HostFailure) -> EmulatorReply {
        guard let target = request.call.target else {
            let connection = try reach()
            return own(try connection.call(request), .system, connection, request.text ?? "")
        }
        guard let entry = handles[request.handle], entry.kind == target else { throw .invalidHandle }
        if request.call.closes { return try close(request, entry) }
        if let subscription { return try register(request, entry, subscription) }
        // Looked at first: a process that runs and whose streams this side cannot take has to be ended again.
        if request.call == .createProcess, !FileDescriptor.areFree(Frame.mostDescriptors) {
            throw ProcessStreams.exhausted("descriptor")
        }
        return own(try entry.call(request), .process, entry.connection, entry.systemID)
    }

    /// The reply with a handle of this side in place of the service's.
    private func own(
        _ reply: EmulatorReply, _ kind: EmulatorCall.Kind, _ connection: RemoteConnection, _ systemID: String
    ) -> EmulatorReply {
        guard reply.handle != 0 else { return reply }
        var reply = reply
        reply.handle = handles.add(
            RemoteHandle(kind: kind, connection: connection, remote: reply.handle, systemID: systemID))
        return reply
    }

    /// Closes a handle on both sides; a dead one on this side.
    private func close(_ request: EmulatorRequest, _ entry: RemoteHandle) throws(HostFailure) -> EmulatorReply {
        try entry.registration?.checkNotWithin()
        // What is dead needs no answer to be closed.
        let reply = (try? entry.call(request)) ?? EmulatorReply()
        guard reply.code >= 0 else { return reply }
        handles.remove(request.handle)
        if let registration = entry.registration {
            entry.connection.forget(entry.remoteRegistration)
            try registration.cancel()
        } else {
            entry.connection.silence(UInt(request.handle))
        }
        return reply
    }

    private func register(
        _ request: EmulatorRequest, _ entry: RemoteHandle, _ subscription: Subscription
    ) throws(HostFailure) -> EmulatorReply {
        let registration = subscription.registration
        let number = entry.connection.expect(registration, systemID: entry.systemID)
        let own = handles.add(
            RemoteHandle(
                kind: entry.kind == .system ? .systemCallback : .processCallback, connection: entry.connection,
                systemID: entry.systemID, registration: registration, remoteRegistration: number))
        subscription.announce(own)
        var request = request
        request.integer = number
        var reply: EmulatorReply
        do throws(HostFailure) { reply = try entry.call(request) } catch { reply = EmulatorReply(error) }
        if reply.code >= 0 {
            handles.update(own, remote: reply.handle)
            reply.handle = own
            return reply
        }
        subscription.announce(0)
        entry.connection.forget(number)
        registration.silence()
        handles.remove(own)
        return reply
    }
}

extension RemoteHandle {
    /// The request, made on what the handle stands for.
    fileprivate func call(_ request: EmulatorRequest) throws(HostFailure) -> EmulatorReply {
        var request = request
        request.handle = remote
        return try connection.call(request)
    }
}
