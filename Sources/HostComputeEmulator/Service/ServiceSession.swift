import CHostCompute
import Glibc
import MessagePack
import Synchronization

/// One client of an emulator service: what it has open, and its calls, each of which runs on a thread of its own.
final class ServiceSession: Sendable {
    /// The most calls of one client that run at a time; what comes beyond them is refused.
    private static let mostCalls = 1024
    /// How long a client may take for the handshake.
    private static let handshakeSeconds = 10

    private struct State {
        var handles: Set<UInt64> = []
        var calls = 0
        var ended = false
    }

    private let socket: FrameSocket
    private let writer: FrameWriter
    private let greeting: ServiceHandshake
    private let pool = ThreadPool(maximumThreads: ServiceSession.mostCalls)
    private let state = Mutex(State())

    /// - Parameter greeting: the service's handshake.
    init(_ socket: FrameSocket, _ greeting: ServiceHandshake) {
        self.socket = socket
        self.greeting = greeting
        writer = FrameWriter(socket, pool: pool)
    }

    /// Serves the client until it goes away or sends what is no request.
    func run() {
        if shakeHands() {
            let reader = Reader(limits: Limits(depth: 2))
            while let frame = socket.receive(longest: Frame.longestRequest, takesDescriptors: false),
                let (number, request) = EmulatorRequest.read(frame.body, reader)
            {
                take(request, number)
            }
        }
        writer.end()
        let handles = state.withLock { state in
            state.ended = true
            defer { state.handles = [] }
            return state.handles.map { UInt($0) }
        }
        ComputeService.shared.abandon(handles)
    }

    func end() { writer.end() }

    private func shakeHands() -> Bool {
        socket.limitReads(to: ServiceSession.handshakeSeconds)
        guard let frame = socket.receive(longest: 1024, takesDescriptors: false),
            let handshake = ServiceHandshake(frame.body)
        else { return false }
        // Answered also if the versions differ, so that the client can report that.
        var greeting = greeting
        if handshake.version < ServiceHandshake.version { greeting.program = "" }
        writer.send(Frame(body: greeting.body))
        socket.limitReads(to: 0)
        return handshake.version == ServiceHandshake.version
    }

    private func take(_ request: EmulatorRequest, _ number: UInt64) {
        let taken = state.withLock { state in
            if state.calls < ServiceSession.mostCalls { state.calls += 1 } else { return false }
            return true
        }
        guard taken else {
            return writer.send(Frame(body: EmulatorReply(code: ResultCode.outOfMemory).body(number)))
        }
        pool.submit { [self] in
            defer { state.withLock { $0.calls -= 1 } }
            // What a client asked for that has died meanwhile is not begun: the next one may have looked already.
            guard !socket.hasLostPeer else { return }
            writer.send(answer(request, number))
        }
    }

    private func answer(_ request: EmulatorRequest, _ number: UInt64) -> Frame {
        var request = request
        // A handle that is not this client's is none, which every call refuses.
        if !state.withLock({ $0.handles.contains(request.handle) }) { request.handle = 0 }
        let reply = LocalBackend(caller: .client(socket)).reply(to: request, subscription(request))
        if reply.handle != 0 { keep(reply.handle) }
        if request.call.closes, reply.code == ResultCode.success {
            _ = state.withLock { $0.handles.remove(request.handle) }
        }
        let frame = Frame(body: reply.body(number), descriptors: reply.streams.filter { $0 >= 0 })
        guard frame.body.count > Frame.longestAnswer else { return frame }
        frame.closeDescriptors()
        return Frame(body: EmulatorReply(code: ResultCode.outOfMemory).body(number))
    }

    /// What registers this session in the client's stead.
    private func subscription(_ request: EmulatorRequest) -> Subscription? {
        guard request.call.registers else { return nil }
        let number = request.integer
        let registration = Registration(handle: UInt(request.handle)) { [weak self] notification in
            self?.writer.send(Frame(body: notification.body(number)))
        }
        return Subscription(registration: registration)
    }

    /// Keeps a handle for the client; one that has gone meanwhile has it closed.
    private func keep(_ handle: UInt64) {
        let ended = state.withLock { state in
            if !state.ended { state.handles.insert(handle) }
            return state.ended
        }
        if ended { ComputeService.shared.abandon([UInt(handle)]) }
    }
}
