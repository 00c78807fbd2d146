import ContainerProtocol
import MessagePack
import ZeroMQ

/// The subscription of an ``EventStream``: its socket, made anew where a handshake failed. On the loop only.
final class EventSubscription {
    private let endpoints: [String]
    private let topics: [String]
    private let credentials: Credentials?
    private let loop: SocketLoop
    private let deliver: (PublishedEvent) -> Void
    private let refuse: (Failure) -> Void
    private let reader = Reader()
    private var socket: Socket?
    private var monitor: ConnectionMonitor?
    /// Handshakes in a row that failed.
    private var failures = 0

    /// - Parameters:
    ///   - deliver: gets the events.
    ///   - refuse: gets the reason where the worker lets this client in no more.
    init(
        _ endpoints: [String], topics: [String], _ credentials: Credentials?, on loop: SocketLoop,
        deliver: @escaping (PublishedEvent) -> Void, refuse: @escaping (Failure) -> Void
    ) {
        self.endpoints = endpoints
        self.topics = topics
        self.credentials = credentials
        self.loop = loop
        self.deliver = deliver
        self.refuse = refuse
    }

    /// Subscribes.
    func begin() throws(Failure) {
        let socket: Socket
        let monitor: ConnectionMonitor
        do throws(ZeroMQError) {
            socket = try Socket(.subscribe, in: loop.context)
            try socket.set(.linger, 0)
            try socket.configureClient()
            try socket.secure(credentials, after: failures)
            for topic in topics.isEmpty ? [""] : topics { try socket.set(.subscribe, topic) }
            monitor = try ConnectionMonitor(socket, .handshakes)
        } catch {
            throw .noSocket(error)
        }
        do throws(ZeroMQError) {
            for endpoint in endpoints { try socket.connect(endpoint) }
        } catch {
            throw .badEndpoint(error)
        }
        (self.socket, self.monitor) = (socket, monitor)
        loop.add(socket) { self.receive(socket) }
        loop.add(monitor.socket) { self.watch(monitor) }
    }

    private func receive(_ socket: Socket) -> SocketLoop.Turn {
        for count in 0..<128 {
            guard let frames = try? socket.receiveFrames() else { return count == 0 ? .idle : .busy }
            guard frames.count == 2, let body = try? reader.value(frames[1]) else { continue }
            deliver(PublishedEvent(topic: String(decoding: frames[0], as: UTF8.self), body: body))
        }
        return .busy
    }

    private func watch(_ monitor: ConnectionMonitor) -> SocketLoop.Turn {
        guard let change = try? monitor.next() else { return .idle }
        switch change {
        case .connected: failures = 0
        case .accepted, .disconnected: break
        case .refused:
            end()
            refuse(.keyRefused(endpoints[0]))
        case .failed:
            guard let credentials else { break }
            failures += 1
            end()
            if failures == credentials.failuresToReport { refuse(.handshakeFailed(endpoints[0])) }
            let pause = Backoff.pause(after: failures, chance: .random(in: 0...1))
            loop.schedule(after: pause) { try? self.begin() }
        }
        return .busy
    }

    private func end() {
        if let socket { loop.remove(socket) }
        if let monitor { loop.remove(monitor.socket) }
        monitor = nil
        socket?.close()
        socket = nil
    }
}
