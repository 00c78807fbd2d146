import CHostCompute
import Glibc
import MessagePack
import Synchronization

/// One client of an emulator service: what it has open, and its calls, each of which runs on a thread of its own.
final class ServiceSession: Sendable {
    /// The most calls of one client that run at a time; what comes beyond them is refused.
    private static let mostCalls = 1024
    /// How long a client may take to say what it is.
    private static let handshakeSeconds = 10

    private struct State {
        var handles: Set<UInt> = []
        var calls = 0
        var ended = false
    }

    private let socket: FrameSocket
    private let writer: FrameWriter
    private let greeting: ServiceHandshake
    private let pool = ThreadPool(maximumThreads: ServiceSession.mostCalls)
    private let state = Mutex(State())

    /// - Parameter greeting: what the service says of itself.
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
                let request = ServiceRequest(frame.body, reader)
            {
                take(request)
            }
        }
        writer.end()
        let handles = state.withLock { state in
            state.ended = true
            defer { state.handles = [] }
            return Array(state.handles)
        }
        ComputeService.shared.abandon(handles)
    }

    func end() { writer.end() }

    /// This client, as calls are made in its name.
    var caller: Caller { .client(socket) }

    private func shakeHands() -> Bool {
        socket.limitReads(to: ServiceSession.handshakeSeconds)
        guard let frame = socket.receive(longest: 1024, takesDescriptors: false),
            let handshake = ServiceHandshake(frame.body)
        else { return false }
        // Answered also where the versions differ, so that the client can say so.
        var greeting = greeting
        if handshake.version < ServiceHandshake.version { greeting.program = "" }
        writer.send(Frame(body: greeting.body))
        socket.limitReads(to: 0)
        return handshake.version == ServiceHandshake.version
    }

    private func take(_ request: ServiceRequest) {
        let taken = state.withLock { state in
            if state.calls < ServiceSession.mostCalls { state.calls += 1 } else { return false }
            return true
        }
        guard taken else {
            return writer.send(Frame(body: ServiceAnswer(number: request.number, code: ResultCode.outOfMemory).body))
        }
        pool.submit { [self] in
            defer { state.withLock { $0.calls -= 1 } }
            // What a client asked for that has died meanwhile is not begun: the next one may have looked already.
            guard !socket.hasLostPeer else { return }
            writer.send(answer(request))
        }
    }

    /// Tells the client.
    func tell(_ notification: Notification, _ registration: UInt64) {
        writer.send(Frame(body: ServiceNotification(notification, registration: registration).body))
    }

    // MARK: Handles

    /// The handle, where it is one of this client's; none for any other, which every call refuses.
    func owned(_ handle: UInt64) -> UnsafeMutableRawPointer? {
        let handle = UInt(handle)
        return state.withLock { $0.handles.contains(handle) } ? UnsafeMutableRawPointer(bitPattern: handle) : nil
    }

    /// Keeps a handle for the client; one that has gone meanwhile has it closed.
    func keep(_ handle: UInt) {
        let ended = state.withLock { state in
            if !state.ended { state.handles.insert(handle) }
            return state.ended
        }
        if ended { ComputeService.shared.abandon([handle]) }
    }

    func forget(_ handle: UInt64) {
        _ = state.withLock { $0.handles.remove(UInt(handle)) }
    }
}
