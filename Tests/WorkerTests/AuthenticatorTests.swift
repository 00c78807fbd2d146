import Logging
import Testing
import ZeroMQ

@testable import Worker

/// The handler that libzmq asks about every peer, and what happens where it is gone.
struct AuthenticatorTests {
    @Test(.timeLimit(.minutes(1)))
    func withoutTheHandlerNobodyComesIn() throws {
        let loop = try SocketLoop(context: try Context(), name: "door")
        defer { loop.stop() }
        let (parts, address) = try loop.perform {
            let logger = Logger(label: "test")
            let authenticator = try Authenticator(Access(WorkerConfiguration.Access(), logger: logger), on: loop)
            try authenticator.start()
            let router = try Socket(.router, in: loop.context)
            try router.set(.linger, 0)
            try router.set(.handshakeInterval, 500)
            let served = ServedEndpoints(
                router, [Endpoint("tcp://127.0.0.1:*")], .commands, ipcMode: FileMode(0o600), on: loop, logger: logger)
            try served.attach(nil)
            return (LoopBound((authenticator, router), to: loop), served.addresses[0])
        }
        #expect(try isLetIn(at: address))
        try loop.perform { parts.value.0.close() }
        #expect(try !isLetIn(at: address))
        #expect(try !isLetIn(at: address), "not once, and not by chance")
        try loop.perform { parts.value.1.close() }
    }

    /// Whether the first handshake at `address` succeeds.
    private func isLetIn(at address: String) throws -> Bool {
        let dealer = try Socket(.dealer, in: try Context())
        try dealer.set(.linger, 0)
        let monitor = try ConnectionMonitor(dealer, .handshakes)
        try dealer.connect(address)
        while let change = try monitor.next(wait: true) {
            // The handshake follows.
            if case .accepted = change { continue }
            return change == .connected
        }
        return false
    }
}
