import Dispatch
import Glibc
import MessagePack
import Synchronization
import Threads

/// A connection to an emulator service, from its handshake until it is lost; it is never mended.
///
/// Calls wait for their answers on their own threads. Notifications of one compute system are delivered one after
/// another in the order in which they came, and no other system waits for a callback that blocks.
final class RemoteConnection: Sendable {
    /// How long a service may take to answer the handshake.
    private static let handshakeSeconds = 5

    /// A call that waits for its answer.
    private final class Waiter: Sendable {
        let arrival = DispatchSemaphore(value: 0)
        let answer = Mutex<EmulatorReply?>(nil)
    }

    private struct Hearer {
        let registration: Registration
        let systemID: String
    }

    private struct State {
        var lost = false
        var lastCall: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        var lastRegistration: UInt64 = 0
        var hearers: [UInt64: Hearer] = [:]
        /// What is to be delivered, by compute system. An entry is there while a thread is at it.
        var lines: [String: [(Registration, EmulatedNotification)]] = [:]
    }

    let service: HostComputeEmulator.Remote.Service
    private let socket: FrameSocket
    private let writer: FrameWriter
    private let pool: ThreadPool
    private let state = Mutex(State())

    /// - Parameter user: another user, whose service is trusted.
    init(_ path: String, of user: UInt32? = nil) throws(RemoteEmulator.Refusal) {
        guard let address = UnixAddress(path) else { throw .badPath }
        let descriptor = FileDescriptor.raise(Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        guard descriptor >= 0 else { throw .noDescriptor }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        socket = FrameSocket(descriptor)
        pool = ThreadPool()
        writer = FrameWriter(socket, pool: pool)
        guard address.connect(descriptor) else { throw errno == EACCES ? .stranger : .absent }
        guard let peer = socket.peer, [geteuid(), 0, user].contains(peer.user) else { throw .stranger }
        writer.send(Frame(body: ServiceHandshake().body))
        socket.limitReads(to: RemoteConnection.handshakeSeconds)
        // A service that is ending accepts clients and sends nothing.
        guard let frame = socket.receive(longest: 8192, takesDescriptors: false) else { throw .absent }
        guard let handshake = ServiceHandshake(frame.body) else { throw .nonsense }
        service = HostComputeEmulator.Remote.Service(
            root: handshake.root, program: handshake.program, pid: peer.process)
        guard handshake.version == ServiceHandshake.version else {
            throw .otherVersion(handshake.version, service)
        }
        socket.limitReads(to: 0)
        guard SystemThread.start("emulator", { [self] in receive() }) else { throw .noThread }
    }

    var isLost: Bool { state.withLock { $0.lost } }

    func end() { writer.end() }

    // MARK: Calls

    /// Sends a request, and waits for the answer.
    func call(_ request: EmulatorRequest) throws(HostFailure) -> EmulatorReply {
        let waiter = Waiter()
        let number = state.withLock { state -> UInt64? in
            if state.lost { return nil }
            state.lastCall += 1
            state.waiters[state.lastCall] = waiter
            return state.lastCall
        }
        guard let number else { throw ComputeService.dead }
        let frame = Frame(body: request.body(number))
        guard frame.body.count <= Frame.longestRequest else {
            _ = state.withLock { $0.waiters.removeValue(forKey: number) }
            throw .invalidArgument("The document is too long: \(Frame.longestRequest) bytes are the most.")
        }
        writer.send(frame)
        waiter.arrival.wait()
        guard let answer = waiter.answer.withLock({ $0 }) else { throw ComputeService.dead }
        return answer
    }

    // MARK: Registrations

    /// Gives a number by which the service is to know a registration.
    func expect(_ registration: Registration, systemID: String) -> UInt64 {
        state.withLock { state in
            state.lastRegistration += 1
            state.hearers[state.lastRegistration] = Hearer(registration: registration, systemID: systemID)
            return state.lastRegistration
        }
    }

    /// The registration gets no further notifications; one that is being delivered goes on.
    func forget(_ number: UInt64) {
        // Not destroyed under the lock.
        _ = state.withLock { $0.hearers.removeValue(forKey: number) }
    }

    /// Silences what was registered on a handle of this side.
    func silence(_ handle: UInt) {
        let silenced = state.withLock { $0.hearers.values.filter { $0.registration.handle == handle } }
        for hearer in silenced { hearer.registration.silence() }
    }

    // MARK: What comes

    private func receive() {
        let reader = Reader(limits: Limits(depth: 2))
        while let frame = socket.receive(longest: Frame.longestAnswer, takesDescriptors: true) {
            guard let fields = try? reader.value(frame.body).array else {
                frame.closeDescriptors()
                break
            }
            if let (number, notification) = EmulatedNotification.read(fields) {
                frame.closeDescriptors()
                let hearer = state.withLock { $0.hearers[number] }
                if let hearer { deliver(notification, to: hearer) }
            } else if let (number, reply, isComplete) = EmulatorReply.read(fields, frame.descriptors) {
                give(reply, to: number, isComplete)
            } else {
                frame.closeDescriptors()
                break
            }
        }
        lose()
    }

    private func give(_ reply: EmulatorReply, to number: UInt64, _ isComplete: Bool) {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
        var given = reply
        if waiter == nil || !isComplete {
            for stream in reply.streams { FileDescriptor.close(stream) }
            given = EmulatorReply(code: ResultCode.tooManyOpenFiles)
        }
        guard let waiter else { return }
        if !isComplete, reply.handle != 0 { pool.submit { [self] in undo(reply.handle) } }
        waiter.answer.withLock { $0 = given }
        waiter.arrival.signal()
    }

    /// Terminates a process whose creation succeeded in the service and failed on this side.
    private func undo(_ process: UInt64) {
        _ = try? call(EmulatorRequest(.terminateProcess, process))
        _ = try? call(EmulatorRequest(.closeProcess, process))
    }

    /// Puts a notification into its system's line.
    private func deliver(_ notification: EmulatedNotification, to hearer: Hearer) {
        let delivery = (hearer.registration, notification)
        let starts = state.withLock { state in
            let starts = state.lines[hearer.systemID] == nil
            state.lines[hearer.systemID, default: []].append(delivery)
            return starts
        }
        if starts { pool.submit { [self] in empty(hearer.systemID) } }
    }

    private func empty(_ systemID: String) {
        while let (registration, notification) = next(systemID) { registration.deliver(notification) }
    }

    private func next(_ systemID: String) -> (Registration, EmulatedNotification)? {
        state.withLock { state in
            guard state.lines[systemID]?.isEmpty == false else {
                state.lines[systemID] = nil
                return nil
            }
            return state.lines[systemID]?.removeFirst()
        }
    }

    /// The service has gone: calls that wait fail, and every registration is notified.
    private func lose() {
        writer.end()
        let (waiters, hearers) = state.withLock { state in
            state.lost = true
            defer { state.waiters = [:] }
            return (state.waiters.values, state.hearers)
        }
        for waiter in waiters { waiter.arrival.signal() }
        let disconnected = EmulatedNotification(type: NotificationType.serviceDisconnect)
        for (_, hearer) in hearers.sorted(by: { $0.key < $1.key }) { deliver(disconnected, to: hearer) }
    }
}
