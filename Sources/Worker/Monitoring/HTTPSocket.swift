import Logging
import ZeroMQ

/// Serves pages for monitoring systems: plain HTTP over a ZMQ_STREAM socket, in the clear. On the loop only.
final class HTTPSocket {
    /// Answers a request: at once or in a later turn, and exactly once.
    typealias Handler = (HTTPRequest, @escaping (HTTPResponse) -> Void) -> Void

    private let loop: SocketLoop
    private let logger: Logger
    private let socket: Socket
    private let handler: Handler
    private var connections = HTTPConnections()
    private var message = Message()
    private var isClosed = false

    /// Messages that are read in one turn of the loop.
    private static let turnSize = 16
    /// Messages that libzmq keeps of one connection, each of up to 8 KiB: a flood waits in the peer's own buffers. No
    /// heartbeat can be due on such a connection, so that it may be left unread (see ``Socket``).
    private static let highWaterMark: Int32 = 8
    /// Answers that libzmq keeps for one connection: a client that sends on without reading them is cut.
    private static let answers: Int32 = 8
    /// Between an answer and the end of its connection: a client that ends it by itself comes first.
    private static let pause = Duration.seconds(1)
    /// Between looks for connections that are silent.
    private static let interval = Duration.seconds(1)

    /// Makes the socket.
    init(on loop: SocketLoop, logger: Logger, _ handler: @escaping Handler) throws(ZeroMQError) {
        self.loop = loop
        self.logger = logger
        self.handler = handler
        socket = try Socket(.stream, in: loop.context)
        try socket.set(.receiveHighWaterMark, HTTPSocket.highWaterMark)
        try socket.set(.sendHighWaterMark, HTTPSocket.answers)
        try socket.set(.linger, 0)
        try socket.set(.ipv6, true)
        try socket.set(.backlog, Int32(HTTPConnections.limit))
    }

    /// Serves at an endpoint.
    /// - Returns: it with the real port.
    func serve(_ endpoint: String) throws(ZeroMQError) -> String { try socket.bind(endpoint) }

    /// Begins to read.
    func start() throws(ZeroMQError) {
        try loop.addQuiet(socket) { self.read() }
        look()
    }

    func close() {
        isClosed = true
        loop.remove(socket)
        socket.close()
    }

    /// Cuts connections that are silent.
    private func look() {
        loop.schedule(after: HTTPSocket.interval) { [weak self] in
            guard let self, !isClosed else { return }
            for id in connections.silent(at: loop.now) { cut(id) }
            look()
        }
    }

    // MARK: Reading

    private func read() -> SocketLoop.Turn {
        do throws(ZeroMQError) {
            for count in 0..<HTTPSocket.turnSize {
                // Two frames: the connection's id, and what has come of it; empty where it begins or is gone.
                guard try socket.receive(into: &message) else { return count == 0 ? .idle : .busy }
                let id = message.bytes
                guard message.hasMore, try socket.receive(into: &message, wait: true) else { continue }
                take(id)
            }
            return .busy
        } catch {
            logger.error("the HTTP socket failed", metadata: ["error": "\(error)"])
            return .idle
        }
    }

    private func take(_ id: [UInt8]) {
        guard message.count > 0 else {
            if !connections.beganOrEnded(id, message.connection, at: loop.now) { cut(id) }
            return
        }
        message.withBytes { connections.received(id, $0, at: loop.now) }
        serveNext(id)
    }

    private func serveNext(_ id: [UInt8]) {
        switch connections.next(id) {
        case nil: break
        case .refused(let status):
            answer(id, HTTPResponse(status, "the worker answers GET without a body\n"), closes: true)
        case .request(let request):
            handler(request) { [weak self] response in
                guard let self, !isClosed, connections.serves(id) else { return }
                answer(id, response, closes: request.closes)
                serveNext(id)
            }
        }
    }

    // MARK: Answering

    private func answer(_ id: [UInt8], _ response: HTTPResponse, closes: Bool) {
        connections.answered(id, closes: closes, at: loop.now)
        guard send(response.encoded(closes: closes), to: id) else { return cut(id) }
        guard closes else { return }
        loop.schedule(after: HTTPSocket.pause) { [weak self] in
            guard let self, !isClosed, connections.serves(id) else { return }
            cut(id)
        }
    }

    /// - Returns: false where the connection is gone, or its client does not read.
    private func send(_ bytes: [UInt8], to id: [UInt8]) -> Bool {
        guard (try? socket.send(id, more: true)) == true else { return false }
        return (try? socket.send(bytes)) == true
    }

    /// Ends a connection. The system still delivers what it has of an answer.
    ///
    /// libzmq's own way, an empty message, throws an answer away that it has not written yet, and needs room in the queue
    /// of a client that does not read.
    private func cut(_ id: [UInt8]) {
        guard let descriptor = connections.cut(id, at: loop.now) else { return }
        Connection.cut(descriptor, of: socket)
    }
}
