import ContainerProtocol
import MessagePack
import Testing

/// Every bound: its two ends are accepted, and what lies beyond them is refused by a message that names the key.
struct BoundsTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let method: String
        let key: String
        let accepted: [Value]
        let refused: [Value]
        var others: Value.Map = [:]
        var testDescription: String { "\(method) \(key)" }
    }

    private static func numbers(
        _ method: String, _ key: String, _ range: ClosedRange<UInt64>, _ others: Value.Map = [:]
    ) -> Row {
        let below: Value = range.lowerBound == 0 ? -1 : .unsigned(range.lowerBound - 1)
        let ends: [Value] = [.unsigned(range.lowerBound), .unsigned(range.upperBound)]
        let refused: [Value] = [below, .unsigned(range.upperBound + 1), .unsigned(.max), .double(1), "1", true]
        return Row(method: method, key: key, accepted: ends, refused: refused, others: others)
    }

    private static func texts(
        _ method: String, _ key: String, _ range: ClosedRange<Int>, _ others: Value.Map = [:]
    ) -> Row {
        func text(_ count: Int) -> Value { .string(String(repeating: "x", count: count)) }
        return Row(
            method: method, key: key, accepted: [text(range.lowerBound), text(range.upperBound)],
            refused: [text(range.lowerBound - 1), text(range.upperBound + 1), 1, .binary([1])], others: others)
    }

    private static func labels(count: Int, bytes: Int) -> Value {
        var labels: Value.Map = [:]
        for number in 0..<count { labels["k\(number)"] = "" }
        let used = labels.keys.reduce(0) { $0 + $1.utf8.count }
        labels["k0"] = .string(String(repeating: "v", count: bytes - used))
        return .map(labels)
    }

    private static func ids(_ count: Int) -> Value { .array((0..<count).map { .string("c\($0)") }) }

    static let rows: [Row] = [
        numbers("ping", "timeout_ms", Bounds.milliseconds),
        numbers("stop", "grace_ms", Bounds.milliseconds, ["id": "a"]),
        numbers("drain", "deadline_ms", Bounds.milliseconds),
        numbers("list", "limit", Bounds.page), numbers("snapshot", "limit", Bounds.page),
        numbers("events", "limit", Bounds.page), numbers("logs", "limit", Bounds.logBytes, ["id": "a"]),
        numbers("attach", "credit", Bounds.credit, ["id": "a"]),
        numbers("credit", "bytes", Bounds.credit, ["id": "a"]),
        numbers("resize", "width", Bounds.consoleSide, ["id": "a", "height": 1]),
        numbers("resize", "height", Bounds.consoleSide, ["id": "a", "width": 1]),
        texts("ping", "request_id", Bounds.requestID), texts("ping", "traceparent", Bounds.traceparent),
        texts("state", "id", Bounds.name), texts("wait", "process", Bounds.name, ["id": "a"]),
        texts("exec", "process", Bounds.name, ["id": "a", "spec": [:]]),
        Row(
            method: "signal", key: "signal", accepted: [1, 64, "X", .string(String(repeating: "X", count: 32))],
            refused: [0, 65, -1, "", .string(String(repeating: "X", count: 33))], others: ["id": "a"]),
        Row(
            method: "create", key: "labels",
            accepted: [[:], labels(count: 64, bytes: 4096), labels(count: 1, bytes: 4096)],
            refused: [labels(count: 65, bytes: 4096), labels(count: 1, bytes: 4097), 1, ["k": 1]],
            others: ["id": "a"]),
        Row(
            method: "stats", key: "ids", accepted: [[], ids(10_000)], refused: [ids(10_001), "a", [1], ["a/b"]]),
        Row(
            method: "events", key: "ids", accepted: [[], ids(10_000)], refused: [ids(10_001), "a", [1], ["a/b"]]),
        Row(method: "events", key: "after", accepted: [0, .unsigned(.max)], refused: [-1, .double(0)]),
        Row(method: "logs", key: "from", accepted: [0, .unsigned(.max)], refused: [-1], others: ["id": "a"]),
        Row(
            method: "stdin", key: "offset", accepted: [0, .unsigned(.max)], refused: [-1, "0"],
            others: ["id": "a", "data": .binary([])]),
    ]

    private func read(_ row: Row, _ value: Value) throws {
        var parameters = row.others
        parameters[row.key] = value
        let writer = Writer()
        writer.value([0, 7, .string(row.method), [.map(parameters)]])
        _ = try writer.withBytes { try Reader().read($0) { try Request($0) } }
    }

    @Test(arguments: rows) func bothEndsAndBeyond(_ row: Row) throws {
        for value in row.accepted { #expect(throws: Never.self, "\(value)") { try read(row, value) } }
        for value in row.refused {
            let refusal = try #require(throws: Request.Refusal.self, "\(value)") { try read(row, value) }
            #expect(refusal.msgid == 7 && refusal.failure.code == .invalidArgument)
            #expect(refusal.failure.message.contains("\"\(row.key)\""), "\(refusal.failure)")
        }
    }

    @Test func aMapOfTooManyKeys() throws {
        let writer = Writer()
        writer.value([0, 7, "ping", [.map(Value.Map(uniqueKeysWithValues: (0..<65).map { ("k\($0)", 1) }))]])
        let refusal = try #require(throws: Request.Refusal.self) {
            _ = try writer.withBytes { try Reader().read($0) { try Request($0) } }
        }
        #expect(refusal.failure.message.contains("65 keys"))
    }
}
