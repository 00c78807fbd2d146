import Foundation
import Testing
import ZeroMQ

/// Connections, by the descriptors that messages bring.
struct ConnectionTests {
    /// Sends a byte to `router`, and finds the descriptor that it came by.
    private func connection(of peer: Socket, to router: Socket) throws -> Int32? {
        try peer.send([1], wait: true)
        var message = Message()
        #expect(try router.receive(into: &message, wait: true))
        #expect(try router.receive(into: &message, wait: true))
        return message.connection
    }

    private static let endpoints = [
        "tcp://127.0.0.1:*", "tcp://[::1]:*", "ipc://\(NSTemporaryDirectory())windlass-cut-\(UUID().uuidString)",
        "ipc://@windlass-cut-\(UUID().uuidString)",
    ]

    @Test(arguments: endpoints)
    func aConnectionThatIsCutBreaksAloneAndIsMadeAgain(_ endpoint: String) throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.set(.ipv6, true)
        let served = try router.bind(endpoint)
        let (peer, other) = (try Socket(.dealer, in: context), try Socket(.dealer, in: context))
        let watch = try ConnectionMonitor(peer, .handshakes)
        let watchOfOther = try ConnectionMonitor(other, .handshakes)
        for socket in [peer, other] {
            try socket.set(.ipv6, true)
            try socket.connect(served)
        }
        let descriptor = try #require(try connection(of: peer, to: router))
        let descriptorOfOther = try #require(try connection(of: other, to: router))
        #expect(descriptor != descriptorOfOther)

        #expect(Connection.cut(descriptor, of: router))
        #expect(try watch.reports(.connected))
        #expect(try watch.reports(.disconnected))
        #expect(try connection(of: peer, to: router) != nil, "libzmq connects again")
        #expect(try connection(of: other, to: router) == descriptorOfOther)
        #expect(try watchOfOther.reports(.connected))
        #expect(try watchOfOther.next() == nil, "the other connection stands")
    }

    @Test func whatASocketHasConnectedToIsCutToo() throws {
        let context = try Context()
        let (router, broker) = (try Socket(.router, in: context), try Socket(.dealer, in: context))
        let watch = try ConnectionMonitor(broker, .handshakes)
        try router.connect(try broker.bind("tcp://127.0.0.1:*"))
        let descriptor = try #require(try connection(of: broker, to: router))
        #expect(Connection.cut(descriptor, of: router))
        #expect(try watch.reports(.connected))
        #expect(try watch.reports(.disconnected))
    }

    /// A message outlives its connection, and its descriptor may be anything by then.
    @Test func nothingElseIsCut() throws {
        let context = try Context()
        let (router, stranger) = (try Socket(.router, in: context), try Socket(.router, in: context))
        try router.bind("tcp://127.0.0.1:*")
        let peer = try Socket(.dealer, in: context)
        try peer.connect(try stranger.bind("tcp://127.0.0.1:*"))
        let descriptor = try #require(try connection(of: peer, to: stranger))
        #expect(!Connection.cut(descriptor, of: router))
        #expect(try connection(of: peer, to: stranger) == descriptor)
        #expect(!Connection.cut(FileHandle.standardError.fileDescriptor, of: router))
        #expect(!Connection.cut(-1, of: router))
        #expect(!Connection.cut(.max, of: router))
    }

    @Test func messagesWithinAProcessHaveNone() throws {
        let context = try Context()
        let (router, peer) = (try Socket(.router, in: context), try Socket(.dealer, in: context))
        try router.bind("inproc://within")
        try peer.connect("inproc://within")
        #expect(try connection(of: peer, to: router) == nil)
    }
}

extension ConnectionMonitor {
    fileprivate enum Kind { case connected, disconnected }

    /// Waits for the next change after a connection was accepted, and says whether it is of a kind.
    fileprivate func reports(_ kind: Kind) throws -> Bool {
        while true {
            switch (try next(wait: true), kind) {
            case (.accepted, _): continue
            case (.connected, .connected), (.disconnected, .disconnected): return true
            default: return false
            }
        }
    }
}
