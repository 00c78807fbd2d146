import Foundation
import Testing
import ZeroMQ

/// Sockets over real transports.
struct SocketTests {
    @Test func framesGoThereAndBack() throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(try router.bind("tcp://127.0.0.1:*"))
        try dealer.send([1, 2], more: true)
        try dealer.send([], wait: true)
        let request = try #require(try router.receiveFrames(wait: true))
        #expect(request.count == 3 && request[1] == [1, 2] && request[2] == [])
        try router.send(request[0], more: true)
        try router.send([UInt8](repeating: 9, count: 100_000))
        #expect(try dealer.receiveFrames(wait: true) == [[UInt8](repeating: 9, count: 100_000)])
    }

    @Test func memoryThatIsHandedOverArrivesAndIsFreed() throws {
        let context = try Context()
        let receiver = try Socket(.pair, in: context)
        let sender = try Socket(.pair, in: context)
        try sender.connect(try receiver.bind("tcp://127.0.0.1:*"))
        let memory = try #require(malloc(100_000))
        memset(memory, 5, 100_000)
        try sender.send(adopting: UnsafeMutableRawBufferPointer(start: memory, count: 100_000))
        #expect(try receiver.receiveFrames(wait: true) == [[UInt8](repeating: 5, count: 100_000)])
        // Refused, and freed all the same: the sanitizer would say if it were not, or if it were twice.
        sender.close()
        #expect(throws: ZeroMQError.self) {
            try sender.send(adopting: UnsafeMutableRawBufferPointer(start: malloc(10), count: 10))
        }
    }

    @Test func nothingThereIsNoError() throws {
        let socket = try Socket(.router, in: try Context())
        #expect(try socket.receiveFrames() == nil)
        var message = Message()
        #expect(try socket.receive(into: &message) == false)
    }

    /// A queue that could be full would stop a connection's input, with which a peer can abort the process.
    @Test func whateverComesIsTakenIn() throws {
        let context = try Context()
        let (router, dealer) = (try Socket(.router, in: context), try Socket(.dealer, in: context))
        try router.bind("inproc://taken")
        try dealer.connect("inproc://taken")
        for _ in 0..<10_000 { #expect(try dealer.send([1])) }
    }

    /// Who knows the next routing id can claim it, and the peer that should get it aborts the process.
    @Test func automaticRoutingIDsCannotBeForetold() throws {
        var first: Set<[UInt8]> = []
        for _ in 0..<2 {
            // libzmq draws from this generator, which begins the same in every process that does not seed it.
            srand(1)
            let context = try Context()
            let (router, dealer) = (try Socket(.router, in: context), try Socket(.dealer, in: context))
            try dealer.connect(try router.bind("tcp://127.0.0.1:*"))
            try dealer.send([], wait: true)
            first.insert(try #require(try router.receiveFrames(wait: true))[0])
        }
        #expect(first.count == 2)
    }

    @Test func mandatoryRoutersSayWhoIsNotThere() throws {
        let router = try Socket(.router, in: try Context())
        try router.set(.routerMandatory, true)
        let error = try #require(throws: ZeroMQError.self) { try router.send([1, 2, 3], more: true) }
        #expect(error.isUnreachable)
    }

    @Test func errorsNameTheEndpoint() throws {
        let socket = try Socket(.router, in: try Context())
        for endpoint in ["nonsense", "tcp://127.0.0.1", "tcp://no.such.host.invalid:1", "foo://x"] {
            let error = try #require(throws: ZeroMQError.self) { try socket.bind(endpoint) }
            #expect(error.description.contains(endpoint))
        }
    }

    @Test func anIPv4EndpointComesBackAsOne() throws {
        let socket = try Socket(.router, in: try Context())
        try socket.set(.ipv6, true)
        let endpoint = try socket.bind("tcp://127.0.0.1:*")
        #expect(endpoint.hasPrefix("tcp://127.0.0.1:") && !endpoint.hasSuffix("*"))
        #expect(try socket.bind("tcp://[::1]:*").hasPrefix("tcp://[::1]:"))
    }

    @Test func closingTwiceIsNothing() throws {
        let socket = try Socket(.pair, in: try Context())
        socket.close()
        socket.close()
        #expect(throws: ZeroMQError.self) { try socket.bind("inproc://x") }
    }

    @Test func everyOptionHasTheWidthThatLibzmqWants() throws {
        let router = try Socket(.router, in: try Context())
        for option: SocketOption<Int32> in [
            .sendHighWaterMark, .receiveHighWaterMark, .linger, .heartbeatInterval, .heartbeatTimeout,
            .handshakeInterval, .tcpKeepAlive, .tcpKeepAliveIdle, .backlog, .receiveTimeout, .sendTimeout,
            .reconnectInterval,
            .reconnectIntervalMaximum,
        ] {
            try router.set(option, 1)
        }
        for option: SocketOption<Bool> in [.routerMandatory, .routerHandover, .ipv6, .immediate] {
            try router.set(option, true)
        }
        try router.set(.maximumMessageSize, 1 << 20)
        try router.set(.routingID, "me")
        try Socket(.xpub, in: try Context()).set(.xpubVerbose, true)
    }
}
