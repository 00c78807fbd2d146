import ContainerModel
import MessagePack
import Testing

@testable import ContainerProtocol

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
        let plain: Set<Method> = [
            .ping, .version, .snapshot, .health, .list, .events, .drain, .stats, .keysList, .keysReload,
        ]
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

    @Test(
        arguments: [
            0, -1, -9, 65, 256, .unsigned(.max), .negative(.min), .double(9), true, nil, .binary([9]), "", "SIG", "0",
            "SIG0", "-9", "+9", "65", "99999999999999999999", "TERM\0", "TE RM", "ﬀ", "9X",
            .string(String(repeating: "A", count: 33)),
        ] as [Value])
    func noSignal(_ value: Value) throws {
        let refusal = try refusal([0, 7, "signal", [["id": "a", "signal": value]]])
        #expect(refusal.failure.code == .invalidArgument && refusal.failure.message.contains("signal"), "\(refusal)")
    }

    @Test func unknownTypesOfEventsAreNamedAndTheKnownOnesListed() throws {
        let message = try refusal([0, 7, "events", [["types": ["exit", "exits"]]]]).failure.message
        #expect(message.contains("\"exits\"") && message.contains("exec_exit") && message.contains("worker_stop"))
        guard case .events(let events) = try read([0, 7, "events", [["types": ["exit", "exec_exit"]]]]).command else {
            Issue.record("not events")
            return
        }
        #expect(events.types?.count == 2)
    }

    @Test(
        arguments: [
            ("create", ["id": "a", "labels": ["k": "v\0"]], "labels"),
            ("create", ["id": "a", "labels": ["k\0": "v"]], "labels"),
            ("list", ["labels": ["k": "v\0"]], "labels"), ("create", ["id": "a", "profile": "p\0"], "profile"),
            ("list", ["after": "a\0"], "after"), ("snapshot", ["after": "a\0"], "after"),
            ("checkpoint_create", ["id": "a", "checkpoint": "c\0"], "checkpoint"),
            ("checkpoint_create", ["id": "a", "checkpoint": "c", "directory": "/d\0"], "directory"),
            ("ping", ["request_id": "r\0"], "request_id"), ("ping", ["traceparent": "t\0"], "traceparent"),
            ("state", ["id": "a\0"], "id"), ("wait", ["id": "a", "process": "p\0"], "process"),
        ] as [(String, Value, String)])
    func noTextHasANUL(_ method: String, _ parameters: Value, _ key: String) throws {
        let refusal = try refusal([0, 7, .string(method), [parameters]])
        #expect(
            refusal.failure.code == .invalidArgument && refusal.failure.message.contains("\"\(key)\""), "\(refusal)")
    }

    /// One letter with very many accents is one `Character`: cutting by characters would leave it whole.
    @Test(
        arguments: [
            { ([0, 7, $0, []]) }, { [0, 7, "ping", [.map([$0.string ?? "": 1])]] },
            { [0, 7, "list", [["states": [$0]]]] },
            { [0, 7, "events", [["types": [$0]]]] }, { [0, 7, "signal", [["id": "a", "signal": $0]]] },
        ] as [@Sendable (Value) -> Value])
    func aMessageQuotesALittle(_ body: @Sendable (Value) -> Value) throws {
        let accented = "x" + String(repeating: "\u{301}", count: 100_000)
        #expect(try refusal(body(.string(accented))).failure.message.utf8.count < 1000)
        let message = try refusal(body("red\u{1b}[31m")).failure.message
        #expect(!message.unicodeScalars.contains("\u{1b}"), "no message moves a terminal's cursor: \(message)")
    }

    @Test func inputSaysWhereItBelongs() throws {
        let id = try #require(ContainerID("a"))
        func stdin(_ parameters: Value) throws -> Command.Stdin? {
            if case .stdin(let input) = try read([0, 1, "stdin", [parameters]]).command { input } else { nil }
        }
        #expect(
            try stdin(["id": "a", "data": .binary([1, 2]), "offset": 40, "eof": true])
                == Command.Stdin(id: id, process: .initial, data: [1, 2], eof: true, offset: 40))
        #expect(try stdin(["id": "a", "data": .binary([])])?.offset == nil)
        #expect(try stdin(["id": "a", "eof": true])?.data == [])
    }

    @Test func aSnapshotIsAPage() throws {
        guard case .snapshot(let page) = try read([0, 1, "snapshot", [["after": "a", "limit": 5]]]).command,
            case .snapshot(let first) = try read([0, 1, "snapshot", []]).command
        else {
            Issue.record("not a snapshot")
            return
        }
        #expect(page == Command.Snapshot(after: "a", limit: 5) && first == Command.Snapshot(after: nil, limit: 1000))
    }

    @Test func whatEveryRequestMayHave() throws {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let request = try read([0, 1, "ping", [["request_id": "r", "timeout_ms": 5, "traceparent": .string(trace)]]])
        #expect(request.requestID == "r" && request.timeout == .milliseconds(5) && request.traceparent == trace)
        #expect(try read([0, 1, "ping", [["traceparent": "00-a-b-01"]]]).traceparent == nil)
    }

    @Test(arguments: ["a", "9", "A0_.-", String(repeating: "z", count: 128)]) func goodNames(_ text: String) {
        #expect(ContainerID(text)?.rawValue == text)
    }

    @Test(arguments: ["", ".a", "-a", "_a", "a/b", "a b", "ä", "a\0", String(repeating: "z", count: 129)])
    func badNames(_ text: String) {
        #expect(ContainerID(text) == nil)
    }
}
