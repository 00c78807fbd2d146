import MessagePack
import Testing

/// RFC 7396, its own examples.
struct MergePatchTests {
    static let examples: [(Value, Value, Value)] = [
        (["a": "b"], ["a": "c"], ["a": "c"]),
        (["a": "b"], ["b": "c"], ["a": "b", "b": "c"]),
        (["a": "b"], ["a": nil], [:]),
        (["a": "b", "b": "c"], ["a": nil], ["b": "c"]),
        (["a": ["b"]], ["a": "c"], ["a": "c"]),
        (["a": "c"], ["a": ["b"]], ["a": ["b"]]),
        (["a": ["b": "c"]], ["a": ["b": "d", "c": nil]], ["a": ["b": "d"]]),
        (["a": [["b": "c"]]], ["a": [1]], ["a": [1]]),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        (["a": "b"], ["c"], ["c"]),
        (["a": "foo"], nil, nil),
        (["e": nil], ["a": 1], ["e": nil, "a": 1]),
        ([1, 2], ["a": "b", "c": nil], ["a": "b"]),
        ([:], ["a": ["bb": ["ccc": nil]]], ["a": ["bb": [:]]]),
    ]

    @Test(arguments: examples) func example(_ target: Value, _ patch: Value, _ result: Value) {
        #expect(target.merging(patch) == result)
    }

    @Test func stringsAreMappedAndKeysAreNot() {
        let value: Value = ["{id}": ["a-{id}", 1, ["x": "{id}{id}"]]]
        #expect(value.mappingStrings { $0.replacing("{id}", with: "w") } == ["{id}": ["a-w", 1, ["x": "ww"]]])
    }
}
