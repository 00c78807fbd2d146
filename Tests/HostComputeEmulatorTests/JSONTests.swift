import Testing

@testable import HostComputeEmulator

@Suite("Documents are read as JSON and nothing else")
struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue {
        try Array(text.utf16).withUnsafeBufferPointer { units in try JSONParser.parse(units) }
    }

    @Test func readsEveryKind() throws {
        let value = try parse(
            #" {"a": [1, -2.5e3, true, false, null], "b": "x\n\"\\\/é😀", "a2": {"": ""}} "#)
        #expect(try value.string("b") == "x\n\"\\/é😀")
        #expect(try value.array("a").count == 5)
        #expect(value["a2"]?["missing"] == nil)
    }

    @Test(arguments: [
        "", "{", "}", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "nul", "truex", "\"", "\"\\x\"", "\"\\u12\"", "01x", "+1",
        ".5", "1 2", "[1 2]", "\"\u{1}\"", "{\"a\":1,}",
    ])
    func refuses(_ text: String) {
        #expect(throws: HostFailure.self) { try parse(text) }
    }

    @Test func refusesDepth() {
        #expect(throws: HostFailure.self) { try parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func writesWhatItReads() throws {
        let text = "q\"\\\n\u{1}é😀"
        var object = JSONObject()
        object.add("t", string: text)
        #expect(try parse(object.finish()).string("t") == text)
    }
}
