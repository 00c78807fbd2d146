import Testing

@testable import Worker

/// What may be served in the clear.
struct EndpointTests {
    @Test(arguments: [
        "tcp://127.0.0.1:5770", "tcp://127.8.9.10:*", "tcp://[::1]:1", "tcp://localhost:1", "ipc:///tmp/x",
        ">tcp://127.0.0.1:1",
    ])
    func allowed(_ text: String) { #expect(Endpoint(text).refusal(setting: "commands", hasKey: false) == nil) }

    @Test(arguments: [
        "tcp://0.0.0.0:1", "tcp://*:1", "tcp://10.0.0.1:1", "tcp://[::]:1", "tcp://eth0:1", "tcp://127.evil.example:1",
        ">tcp://10.0.0.1:1", "tcp://127.0.0.1.example:1", "udp://127.0.0.1:1", "nonsense", "tcp://127.0.0.1",
    ])
    func refused(_ text: String) throws {
        #expect(try #require(Endpoint(text).refusal(setting: "commands", hasKey: false)).hasPrefix("commands: "))
    }

    @Test(arguments: ["tcp://0.0.0.0:1", ">tcp://10.0.0.1:1", "tcp://127.0.0.1:1"])
    func allowedWithAKey(_ text: String) {
        #expect(Endpoint(text).refusal(setting: "commands", hasKey: true) == nil)
    }

    @Test(arguments: ["norm://10.0.0.1:1", "pgm://eth0;239.0.0.1:1", "tipc://{1,2}", "udp://1.2.3.4:1", "inproc://x"])
    func noOtherTransportWithAKeyEither(_ text: String) {
        #expect(Endpoint(text).refusal(setting: "events", hasKey: true) != nil)
    }
}
