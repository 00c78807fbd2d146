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

        /// What a call says that needs the connection.
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
                "the service at '\(path)' belongs to another user; start one of your own at another path"
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
    private let start: (@Sendable () -> Bool)?
    private let connection = Mutex<RemoteConnection?>(nil)

    /// - Parameter start: starts a service where none answers; see ``HostComputeEmulator/connect(socket:patience:start:)``.
    init(_ path: String, start: (@Sendable () -> Bool)? = nil) {
        self.path = path
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
                    let made = try RemoteConnection(path)
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
    func reach() throws(HostFailure) -> RemoteConnection {
        do throws(Refusal) {
            return try connect(patience: start == nil ? .zero : RemoteEmulator.startPatience)
        } catch {
            throw HostFailure(code: error.code, message: error.message(path))
        }
    }

    /// A call that needs no handle.
    func call(_ request: ServiceRequest) throws(HostFailure) -> RemoteAnswer {
        try reach().call(request)
    }

    /// The handle that stands for `handle`.
    func entry(_ handle: UnsafeMutableRawPointer?, _ kind: RemoteHandle.Kind) throws(HostFailure) -> RemoteHandle {
        guard let entry = handles[UInt(bitPattern: handle)], entry.kind == kind else { throw .invalidHandle }
        return entry
    }

    /// A call on a handle.
    func call(
        _ call: EmulatorCall, _ handle: UnsafeMutableRawPointer?, _ kind: RemoteHandle.Kind,
        _ text: UnsafePointer<HcsChar>? = nil, integer: UInt64 = 0
    ) throws(HostFailure) -> RemoteAnswer {
        let entry = try entry(handle, kind)
        var request = ServiceRequest(number: 0, call)
        request.handle = entry.remote
        request.text = text.map { WideString.string($0) }
        request.integer = integer
        return try entry.connection.call(request)
    }

    /// Closes a handle on both sides; a dead one on this side.
    func close(
        _ call: EmulatorCall, _ handle: UnsafeMutableRawPointer?, _ kind: RemoteHandle.Kind
    ) throws(HostFailure) -> RemoteAnswer {
        let entry = try entry(handle, kind)
        try entry.registration?.checkNotWithin()
        var request = ServiceRequest(number: 0, call)
        request.handle = entry.remote
        // What is dead needs no answer to be closed.
        let answer = (try? entry.connection.call(request)) ?? RemoteAnswer(code: ResultCode.success)
        guard answer.code >= 0 else { return answer }
        handles.remove(UInt(bitPattern: handle))
        if let registration = entry.registration {
            entry.connection.forget(entry.remoteRegistration)
            try registration.cancel()
        } else {
            entry.connection.silence(UInt(bitPattern: handle))
        }
        return answer
    }

    /// Registers a callback on a handle.
    /// - Parameter announce: is given the callback's handle before anything can be told to it.
    func register(
        _ call: EmulatorCall, _ handle: UnsafeMutableRawPointer?, _ kind: RemoteHandle.Kind,
        _ registration: Registration, announce: (UnsafeMutableRawPointer?) -> Void
    ) throws(HostFailure) -> RemoteAnswer {
        let entry = try entry(handle, kind)
        let number = entry.connection.expect(registration, systemID: entry.systemID)
        let callback = RemoteHandle(
            kind: kind == .system ? .systemCallback : .processCallback, connection: entry.connection,
            systemID: entry.systemID, registration: registration, remoteRegistration: number)
        let own = handles.add(callback)
        announce(UnsafeMutableRawPointer(bitPattern: own))
        do throws(HostFailure) {
            let answer = try self.call(call, handle, kind, integer: number)
            if answer.code >= 0 {
                handles.update(own, remote: answer.handle)
                return answer
            }
            forget()
            return answer
        } catch {
            forget()
            throw error
        }
        func forget() {
            announce(nil)
            entry.connection.forget(number)
            registration.silence()
            handles.remove(own)
        }
    }
}
