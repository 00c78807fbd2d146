import Foundation
import MessagePack
import Testing

/// The vectors of kawanet/msgpack-test-suite, where they are there, and our own.
struct ConformanceTests {
    /// Encodings by value; the first one is the shortest.
    static let own: [(Value, [String])] = [
        (.null, ["c0"]), (false, ["c2"]), (true, ["c3"]),
        (0, ["00", "cc00", "cd0000", "ce00000000", "cf0000000000000000", "d000", "d10000"]),
        (127, ["7f", "cc7f", "d07f"]), (128, ["cc80", "cd0080", "d10080"]), (256, ["cd0100"]),
        (65536, ["ce00010000"]), (.unsigned(.max), ["cfffffffffffffffff"]),
        (-1, ["ff", "d0ff", "d1ffff", "d2ffffffff"]), (-32, ["e0"]), (-33, ["d0df"]), (-129, ["d1ff7f"]),
        (.negative(.min), ["d38000000000000000"]), (.double(0.5), ["ca3f000000", "cb3fe0000000000000"]),
        (.double(0.1), ["cb3fb999999999999a"]),
        ("", ["a0", "d900", "da0000", "db00000000"]), ("é", ["a2c3a9"]), (.binary([1]), ["c40101", "c5000101"]),
        ([], ["90", "dc0000", "dd00000000"]), ([1, [2]], ["92019102"]), ([:], ["80", "de0000", "df00000000"]),
        (["a": 1], ["81a16101"]), (.timestamp(seconds: 0, nanoseconds: 0), ["d6ff00000000"]),
        (.extension(type: 5, [1]), ["d40501", "c7010501"]),
    ]

    @Test(arguments: own) func ownVectors(_ value: Value, _ encodings: [String]) throws {
        for encoding in encodings { #expect(try Reader().value(bytes(encoding)) == value, "\(encoding)") }
        #expect(encode(value) == bytes(encodings[0]))
    }

    @Test func everyStringAndContainerHeaderOfEveryLength() throws {
        for count in [0, 1, 31, 32, 255, 256, 65535, 65536] {
            for value in [
                Value.string(String(repeating: "x", count: count)), .binary([UInt8](repeating: 7, count: count)),
                .array([Value](repeating: 1, count: count)),
            ] {
                #expect(try Reader().value(encode(value)) == value)
            }
        }
    }

    /// Where the shared vectors are not at hand, this is skipped: the own vectors stand for them.
    @Test(.enabled(if: SharedVectors.path != nil)) func sharedVectors() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: try #require(SharedVectors.path)))
        let groups = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [[String: Any]]])
        var encodings = 0
        for (group, cases) in groups {
            for vector in cases {
                let texts = try #require(vector["msgpack"] as? [String])
                for (index, text) in texts.enumerated() {
                    encodings += 1
                    let bytes = bytes(text.replacing("-", with: ""))
                    let value = try Reader().value(bytes)
                    if let expected = SharedVectors.value(vector) {
                        #expect(SharedVectors.areEqual(value, expected), "\(group): \(text)")
                        // The first encoding is the shortest one, and a writer's is no longer than that.
                        if index == 0, value == expected {
                            #expect(encode(value).count == bytes.count, "\(group): \(text)")
                        }
                    }
                }
            }
        }
        #expect(encodings == 233)
    }
}

/// The file of shared vectors, and what it says a value is.
private enum SharedVectors {
    /// Beside the checkout, where it is there.
    static var path: String? {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.deletingLastPathComponent().appendingPathComponent("shared/vectors/msgpack-test-suite.json")
        return FileManager.default.fileExists(atPath: file.path) ? file.path : nil
    }

    /// The expected value; nil for a kind that JSON cannot say exactly.
    static func value(_ vector: [String: Any]) -> Value? {
        if vector.keys.contains("nil") { return .null }
        if let bool = vector["bool"] as? Bool { return .bool(bool) }
        if let text = vector["string"] as? String { return .string(text) }
        if let text = vector["binary"] as? String { return .binary(bytes(text.replacing("-", with: ""))) }
        if let text = vector["bignum"] as? String {
            return UInt64(text).map { .unsigned($0) } ?? Int64(text).map { .negative($0) }
        }
        if let number = vector["number"] as? NSNumber {
            let double = number.doubleValue
            return double.rounded() == double && abs(double) < 1e15 ? .int(Int64(double)) : .double(double)
        }
        if let parts = vector["timestamp"] as? [NSNumber], parts.count == 2 {
            return .timestamp(seconds: parts[0].int64Value, nanoseconds: parts[1].uint32Value)
        }
        if let parts = vector["ext"] as? [Any], let type = parts[0] as? NSNumber, let text = parts[1] as? String {
            return .extension(type: type.int8Value, bytes(text.replacing("-", with: "")))
        }
        if let array = vector["array"] as? [Any] { return json(array) }
        if let map = vector["map"] as? [String: Any] { return json(map) }
        return nil
    }

    private static func json(_ any: Any) -> Value {
        switch any {
        case let map as [String: Any]: .map(Value.Map(uniqueKeysWithValues: map.map { ($0.key, json($0.value)) }))
        case let array as [Any]: .array(array.map(json))
        case let text as String: .string(text)
        case let number as NSNumber: .int(number.int64Value)
        default: .null
        }
    }

    /// Equal, where a whole number may have come as a float, and maps have no order.
    static func areEqual(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.double(let double), .unsigned(let number)): double == Double(number)
        case (.double(let double), .negative(let number)): double == Double(number)
        case (.unsigned(let number), .double(let double)): double == Double(number)
        case (.array(let left), .array(let right)): left.count == right.count && zip(left, right).allSatisfy(areEqual)
        case (.map(let left), .map(let right)):
            left.count == right.count
                && left.allSatisfy { key, value in right[key].map { areEqual(value, $0) } ?? false }
        default: left == right
        }
    }
}

func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal)
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
}

func encode(_ value: Value) -> [UInt8] {
    let writer = Writer()
    writer.value(value)
    return writer.bytes
}
