import ContainerProtocol
import MessagePack
import Testing

/// Bodies that cannot be read as a whole are refused under the msgid that they begin with, where it can be read.
struct UnreadableTests {
    private func bytes(_ hexadecimal: String) -> [UInt8] {
        var digits = hexadecimal[...]
        var bytes: [UInt8] = []
        while !digits.isEmpty {
            bytes.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
            digits = digits.dropFirst(2)
        }
        return bytes
    }

    private func refusal(_ body: [UInt8]) throws -> Request.Refusal {
        try body.withUnsafeBytes { bytes in
            do {
                _ = try Reader().read(bytes) { try Request($0) }
            } catch let refusal as Request.Refusal {
                return refusal
            } catch {
                return Request.Refusal(unreadable: bytes, error)
            }
            throw Failure(.internal, "it was read")
        }
    }

    /// [0, 7, "ping", [ and what cannot be.
    private static let head: String = "940007a470696e6791"

    private static let tooDeep = head + String(repeating: "91", count: 40) + "90"

    private static let bodies: [(String, String)] = [
        ("depth", tooDeep),
        ("a key twice", head + "82a16101a16102"), ("UTF-8", head + "81a16ba1ff"),
        ("UTF-8 in the method", "940007a1ff90"),
        ("a key that is no str", head + "810102"), ("trailing bytes", "940007a470696e679000"),
        ("truncated", head), ("truncated behind the msgid", "940007"), ("reserved", head + "c1"),
        ("a timestamp of the wrong size", head + "81a474696d65d5ff0000"),
        ("more elements than bytes", head + "ddffffffff"), ("more elements in the whole", "dc00100007c0"),
        ("array16", "dc00040007a470696e6791c1"), ("array32", "dd000000040007a470696e6791c1"),
        ("a msgid in 2 bytes", "9400cc07a1ff"), ("in 3", "9400cd0007a1ff"), ("in 5", "9400ce00000007a1ff"),
        ("in 9", "9400cf0000000000000007a1ff"), ("signed in 2", "9400d007a1ff"), ("signed in 3", "9400d10007a1ff"),
        ("signed in 5", "9400d200000007a1ff"), ("signed in 9", "9400d30000000000000007a1ff"),
    ]

    @Test(arguments: bodies)
    func theMsgidIsRead(_ name: String, _ body: String) throws {
        let refusal = try refusal(bytes(body))
        #expect(refusal.msgid == 7 && refusal.failure.code == .invalidArgument, "\(name): \(refusal)")
    }

    @Test(arguments: [
        "", "94", "9400", "9400ff", "9400d0ff", "9400cf0000000100000000", "9400cfffffffffffffffff",
        "9400d3ffffffffffffffff",
        "9400ca40e00000", "9400a137a1ff", "94a1300790", "9107", "82000700", "a30007", "9400cd00", "c1", "94c007a1ff",
        "9400c1",
    ])
    func otherwiseItIsZero(_ body: String) throws {
        let refusal = try refusal(bytes(body))
        #expect(refusal.msgid == 0 && refusal.failure.code == .invalidArgument, "\(refusal)")
    }

    @Test func theLargestMsgidIsReadToo() throws {
        #expect(try refusal(bytes("9400cfffffffff") + [0xa1]).msgid == 0)
        #expect(try refusal(bytes("9400ceffffffffa1ff")).msgid == .max)
        #expect(try refusal(bytes("9400cf00000000ffffffffa1ff")).msgid == .max)
    }
}
