import ContainerModel
import ContainerProtocol
import Logging
import MessagePack
import ZeroMQ

/// Answers libzmq's question about every peer that wants in (ZAP, ZeroMQ RFC 27). On the loop only.
///
/// Every endpoint has a domain, and `ZMQ_ZAP_ENFORCE_DOMAIN` is set: without this handler every connection is refused.
final class Authenticator {
    private let socket: Socket
    private let access: Access
    private let loop: SocketLoop
    /// The connections of the sockets.
    private var connections: [PeerConnections] = []
    /// Handshakes that were approved; each has the number in its messages.
    private var handshakes: UInt64 = 0

    /// The property with the number of the handshake, in the messages of its connection: it distinguishes connections,
    /// which a descriptor does not once the system has reused it.
    static let handshakeProperty: StaticString = "Handshake"

    /// Handshakes that are answered in one turn of the loop.
    private static let turnSize = 16

    /// Binds the handler's name in the loop's context, which must happen before any endpoint is bound.
    init(_ access: Access, on loop: SocketLoop) throws(ZeroMQError) {
        self.access = access
        self.loop = loop
        socket = try Socket(.router, in: loop.context)
        try socket.set(.linger, 0)
        try socket.bind("inproc://zeromq.zap.01")
    }

    /// Reports approvals of handshakes to `connections`.
    func add(_ connections: [PeerConnections]) { self.connections += connections }

    /// Begins to answer. Before the other sockets' handlers, so that new connections do not wait behind requests.
    func start() throws(ZeroMQError) { try loop.addQuiet(socket) { self.answer() } }

    /// Answers no longer: every connection is refused.
    func close() {
        loop.remove(socket)
        socket.close()
    }

    private func answer() -> SocketLoop.Turn {
        for count in 0..<Authenticator.turnSize {
            guard let frames = try? socket.receiveFrames() else { return count == 0 ? .idle : .busy }
            guard frames.count > 2, let request = HandshakeRequest(frames.dropFirst(2)) else { continue }
            answer(request, to: frames[0])
        }
        return .busy
    }

    private func answer(_ request: HandshakeRequest, to routingID: [UInt8]) {
        let now = loop.now
        let verdict = access.decide(request, at: now, second: loop.timestamp.seconds) { name in
            connections.count(of: name)
        }
        let status: (code: String, text: String, user: String)
        var metadata: [UInt8] = []
        switch verdict {
        case .accepted(let principal):
            handshakes += 1
            if let domain = AccessDomain(rawValue: request.domain) {
                for one in connections where one.domains.contains(domain) {
                    one.approve(principal, handshake: handshakes)
                }
            }
            metadata = Authenticator.property(Authenticator.handshakeProperty, String(handshakes))
            status = ("200", "OK", principal.name)
        case .refused(let reason): status = (reason.isTemporary ? "300" : "400", reason.text, "")
        }
        let texts = ["1.0", nil, status.code, status.text, status.user]
        let reply = [routingID, []] + texts.map { $0.map { Array($0.utf8) } ?? request.number } + [metadata]
        for (index, frame) in reply.enumerated() { _ = try? socket.send(frame, more: index < reply.count - 1) }
    }

    /// A property as ZMTP writes it: the length of its name in a byte, and that of its value in four.
    private static func property(_ name: StaticString, _ value: String) -> [UInt8] {
        let name = Array("\(name)".utf8)
        let size = withUnsafeBytes(of: UInt32(value.utf8.count).bigEndian) { Array($0) }
        return [UInt8(truncatingIfNeeded: name.count)] + name + size + Array(value.utf8)
    }
}
