import MessagePack
import Testing

@testable import Worker

/// What makes two requests the same.
struct ContentDigestTests {
    private static let content: Value = [
        "id": "web", "spec": ["process": ["args": ["/bin/true", "x"], "env": [:]], "root": ["path": "/"]], "n": 1,
    ]

    @Test func theOrderOfKeysDoesNotMatter() {
        let turned: Value = [
            "n": 1, "spec": ["root": ["path": "/"], "process": ["env": [:], "args": ["/bin/true", "x"]]], "id": "web",
        ]
        #expect(ContentDigest("create", ContentDigestTests.content) == ContentDigest("create", turned))
    }

    @Test(
        arguments: [
            ["id": "web2", "n": 1], ["id": "web", "n": 2], ["id": "web"], ["id": "web", "n": "1"],
            ["id": .binary(Array("web".utf8)), "n": 1], ["id": "web", "n": [1]], ["id": "web", "n": -1],
            ["id": "web", "n": .double(1)], ["id": "web", "n": nil], ["id": "web", "n": true],
            ["id": "web", "n": 1, "more": nil], ["n": "web", "id": 1], [["id": "web", "n": 1]],
        ] as [Value])
    func otherContentIsAnotherRequest(_ other: Value) {
        #expect(ContentDigest("exec", ["id": "web", "n": 1]) != ContentDigest("exec", other))
    }

    @Test func whatIsNestedCountsInItsPlace() {
        let digests: Set<ContentDigest> = [
            ContentDigest("m", [["a", "b"]]), ContentDigest("m", [["a"], "b"]), ContentDigest("m", ["a", "b"]),
            ContentDigest("m", ["b", "a"]), ContentDigest("m", ["a": ["b": 1]]),
            ContentDigest("m", ["a": [:], "b": 1]),
            ContentDigest("m", ["ab": ""]), ContentDigest("m", ["a": "b"]), ContentDigest("ma", ["b": ""]),
        ]
        #expect(digests.count == 9)
    }

    @Test func theMethodCounts() {
        #expect(ContentDigest("pause", ["id": "web"]) != ContentDigest("resume", ["id": "web"]))
    }

    @Test func itsBytesStandForIt() {
        let digest = ContentDigest("create", ContentDigestTests.content)
        #expect(digest.bytes.count == 16)
        #expect(ContentDigest(bytes: digest.bytes) == digest)
        #expect(ContentDigest(bytes: ContentDigest("create", [:]).bytes) != digest)
        // It stays with the journal, so that it may not change from version to version.
        #expect(
            ContentDigest("ping", [:]).bytes.map { String($0, radix: 16) }.joined(separator: " ")
                == "a0 32 89 60 1e 3c 64 bf 6c 6a 54 6e e4 d3 94 9d")
    }
}
