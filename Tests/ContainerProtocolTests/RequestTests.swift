import ContainerProtocol
import MessagePack
import Testing

/// Requests: what is read from them and what is refused.
struct RequestTests {
    private func read(_ body: Value) throws -> Request {
        let writer = Writer()
        writer.value(body)
        return try writer.withBytes { try Reader().read($0) { try Request($0) } }
    }

    private func refusal(_ body: Value) throws -> Request.Refusal {
        try #require(throws: Request.Refusal.self) { _ = try read(body) }
    }

    @Test func everyMethodIsReadWithItsLeast() throws {
        let least: [Method: Value] = [
            .exec: ["id": "a", "process": "p", "spec": [:]], .signal: ["id": "a", "signal": 9],
            .signalProcess: ["id": "a", "process": "p", "signal": "SIGTERM"],
            .resize: ["id": "a", "width": 80, "height": 25], .update: ["id": "a", "resources": [:]],
            .checkpointCreate: ["id": "a", "checkpoint": "c"], .checkpointDelete: ["id": "a", "checkpoint": "c"],
            .credit: ["id": "a", "bytes": 1], .stdin: ["id": "a", "data": .binary([])],
        ]
        let plain: Set<Method> = [.ping, .version, .snapshot, .health, .list, .events, .drain, .stats]
        for method in Method.allCases {
            let parameters = least[method] ?? (plain.contains(method) ? [:] : ["id": "a"])
            #expect(try read([0, 7, .string(method.rawValue), [parameters]]).method == method)
        }
        #expect(try read([0, 7, "ping", []]).msgid == 7)
    }

    @Test(
        arguments: [
            (0, 0), ([0, 7, "ping"], 7), ([0, 7, "ping", [], []], 7), ([1, 7, "ping", []], 7),
            (["0", 7, "ping", []], 7),
            ([0, -1, "ping", []], 0), ([0, 4_294_967_296, "ping", []], 0), ([0, .double(7), "ping", []], 0),
            ([0, 7, 8, []], 7), ([0, 7, "nope", []], 7), ([0, 7, "ping", [:]], 7), ([0, 7, "ping", [[:], [:]]], 7),
            ([0, 7, "ping", [1]], 7), ([0, 7, "ping", [["x": 1]]], 7), ([0, 7, "state", []], 7),
            ([0, 7, "state", [["id": "a/b"]]], 7), ([0, 7, "state", [["id": 1]]], 7),
            ([0, 7, "state", [["id": "a", "idd": 1]]], 7),
            ([0, 7, "create", [["id": "a", "start": 1]]], 7), ([0, 7, "stop", [["id": "a", "grace_ms": -1]]], 7),
            ([0, 7, "stop", [["id": "a", "grace_ms": .double(1)]]], 7),
            ([0, 7, "exec", [["id": "a", "process": "init", "spec": [:]]]], 7),
            ([0, 7, "resize", [["id": "a", "width": 0, "height": 25]]], 7),
            ([0, 7, "resize", [["id": "a", "width": 65536, "height": 1]]], 7),
            ([0, 7, "signal", [["id": "a", "signal": 256]]], 7), ([0, 7, "signal", [["id": "a", "signal": ""]]], 7),
            ([0, 7, "list", [["states": ["odd"]]]], 7), ([0, 7, "stats", [["id": "a", "ids": []]]], 7),
            ([0, 7, "ping", [["request_id": ""]]], 7), ([0, 7, "ping", [["timeout_ms": -1]]], 7),
            ([0, 7, "attach", [["id": "a", "from": "end"]]], 7),
        ] as [(Value, UInt32)])
    func refusedWithTheMsgidThatCouldBeRead(_ body: Value, _ msgid: UInt32) throws {
        let refusal = try refusal(body)
        #expect(refusal.msgid == msgid)
        #expect([.invalidArgument, .unimplemented].contains(refusal.failure.code))
    }

    @Test func aTypoIsNamed() throws {
        #expect(try refusal([0, 1, "stop", [["id": "a", "grace": 1]]]).failure.message.contains("\"grace\""))
        #expect(try refusal([0, 1, "stopp", [["id": "a"]]]).failure.message.contains("stopp"))
    }

    @Test(
        arguments: [
            ("TERM", .name("TERM")), ("sigterm", .name("TERM")), ("SIGKILL", .name("KILL")), ("9", .number(9)),
            (15, .number(15)),
        ] as [(Value, Command.SignalName)])
    func signals(_ value: Value, _ signal: Command.SignalName) throws {
        guard case .signal(_, .initial, let read) = try read([0, 1, "signal", [["id": "a", "signal": value]]]).command
        else {
            Issue.record("not a signal")
            return
        }
        #expect(read == signal)
    }

    @Test func whatEveryRequestMayHave() throws {
        let request = try read([0, 1, "ping", [["request_id": "r", "timeout_ms": 5, "traceparent": "00-a-b-01"]]])
        #expect(request.requestID == "r" && request.timeout == .milliseconds(5) && request.traceparent == "00-a-b-01")
    }

    @Test(arguments: ["a", "9", "A0_.-", String(repeating: "z", count: 128)]) func goodNames(_ text: String) {
        #expect(ContainerID(text)?.rawValue == text)
    }

    @Test(arguments: ["", ".a", "-a", "_a", "a/b", "a b", "ä", "a\0", String(repeating: "z", count: 129)])
    func badNames(_ text: String) {
        #expect(ContainerID(text) == nil)
    }
}
