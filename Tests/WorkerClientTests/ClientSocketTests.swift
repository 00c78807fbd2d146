import CZeroMQ
import Testing

@testable import WorkerClient
@testable import ZeroMQ

/// What a client's sockets must not have: with either, libzmq 4.3.4 can be made to abort the client.
struct ClientSocketTests {
    private func value(_ option: Int32, of socket: Socket) -> Int32? {
        var value: Int32 = -7
        var size = MemoryLayout<Int32>.size
        return zmq_getsockopt(socket.raw, option, &value, &size) == 0 ? value : nil
    }

    @Test(arguments: [Socket.Kind.dealer, .subscribe])
    func noHeartbeatsAndNoBoundOnWhatIsReceived(_ kind: Socket.Kind) throws {
        let socket = try Socket(kind, in: try Context())
        try socket.configureClient()
        #expect(value(ZMQ_HEARTBEAT_IVL, of: socket) == 0)
        #expect(value(ZMQ_RCVHWM, of: socket) == 0)
        #expect(value(ZMQ_TCP_KEEPALIVE, of: socket) == 1)
        socket.close()
    }
}
