import Foundation
import MessagePack
import Testing

/// What no peer may send.
struct HostileTests {
    @Test(arguments: [
        ("", "empty"), ("c1", "0xc1"), ("c0c0", "1 bytes follow"), ("92c0", "more elements"), ("a5616263", "middle"),
        ("cd01", "middle"), ("c403ff", "middle"), ("d6ff0000", "middle"), ("81a161", "middle"),
        ("8101c0", "key is not a str"),
        ("82a16101a16102", "stands twice"), ("a2c328", "UTF-8"), ("a3eda080", "UTF-8"), ("a1ff", "UTF-8"),
        ("ddffffffff", "more elements"), ("dfffffffff", "more elements"), ("dc0010c0", "more elements"),
        ("dbffffffff", "middle"), ("c6ffffffff", "middle"), ("c9ffffffff05", "middle"),
        ("81c400c0", "key is not a str"),
        ("d5ff0000", "timestamp"), ("d7ffffffffff00000000", "timestamp"),
        // Each header alone fits, both together declare more than is left.
        ("94dc0004c0c0c0c0", "more elements"),
    ])
    func refused(_ hexadecimal: String, _ reason: String) throws {
        let error = try #require(throws: MessageError.self) { _ = try Reader().value(bytes(hexadecimal)) }
        #expect(error.description.contains(reason), "\(error)")
    }

    @Test func depthUpTo32IsReadAnd33IsNot() throws {
        func nested(_ depth: Int) -> [UInt8] { [UInt8](repeating: 0x91, count: depth - 1) + [0x90] }
        #expect(throws: Never.self) { try Reader().value(nested(32)) }
        let error = try #require(throws: MessageError.self) { _ = try Reader().value(nested(33)) }
        #expect(error.description.contains("deeper than 32"))
        // Maps count as arrays do, and a hundred thousand of them are refused as soon as 33.
        #expect(throws: MessageError.self) {
            try Reader().value(
                [UInt8](repeating: 0, count: 0) + (0..<100_000).flatMap { _ in [0x81, 0xa1, 0x61] as [UInt8] })
        }
    }

    @Test func nestedHeadersCannotShareTheirBytes() {
        // 31 arrays that each declare all the bytes behind them: msgpack-c would allocate 24 bytes for each of them.
        var body: [UInt8] = []
        for _ in 0..<31 { body += [0xdc, 0x75, 0x30] }
        body += [UInt8](repeating: 0xc0, count: 30_000)
        #expect(throws: MessageError.self) { try Reader().value(body) }
    }

    @Test func duplicateKeysAreFoundInLargeMapsToo() throws {
        let keys = (0..<5000).map { "k\($0)" }
        let writer = Writer()
        writer.map(keys.count + 1)
        for key in keys + ["k4242"] {
            writer.string(key)
            writer.null()
        }
        let error = try #require(throws: MessageError.self) { _ = try Reader().value(writer.bytes) }
        #expect(error.description.contains("k4242"))
    }

    @Test func everyPrefixOfABodyIsRefused() throws {
        let body = encode([
            0, 1, "create", [["id": "web-1", "spec": ["process": ["args": ["/bin/sh", "-c", "true"]]]]],
        ])
        for count in 0..<body.count {
            #expect(throws: MessageError.self) { try Reader().value(Array(body.prefix(count))) }
        }
    }

    @Test func noMutationOfABodyCrashes() throws {
        let body = encode([
            "a": [1, -5, .double(2.5), "text", .binary([1, 2]), .timestamp(seconds: 5, nanoseconds: 7)],
            "b": ["c": nil],
        ])
        var generator = SplitMix(state: 20_250_101)
        let reader = Reader()
        for _ in 0..<50_000 {
            var mutant = body
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                mutant[Int.random(in: 0..<mutant.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            // Whatever it is now, it is a value, and the same value when it is written and read again, or an error.
            if let value = try? reader.value(mutant) {
                let again = try reader.value(encode(value))
                #expect(again == value || "\(again)".contains("nan"))
            }
        }
    }
}

/// A seeded generator, so that a failure happens again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
