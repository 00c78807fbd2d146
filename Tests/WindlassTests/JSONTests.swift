import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack
import Testing

@testable import windlass

/// JSON of values, and values of JSON.
struct JSONTests {
    @Test func everyKindHasItsForm() throws {
        let time = try #require(Timestamp(seconds: 1_700_000_000, nanoseconds: 120_000_000))
        let value: Value = [
            "null": nil, "yes": true, "most": .unsigned(.max), "least": .negative(.min), "half": .double(0.5),
            "nan": .double(.nan), "text": "é \"\\\n\u{1}\u{7F}", "bytes": .binary([0, 255]), "time": .timestamp(time),
            "list": [1, [], [:]], "ext": .extension(type: 5, [1]),
        ]
        #expect(
            value.json == #"{"null":null,"yes":true,"most":18446744073709551615,"least":-9223372036854775808,"#
                + #""half":0.5,"nan":null,"text":"é \"\\\n\u0001\u007f","bytes":"AP8=","time":"2023-11-14T22:13:20.12Z","#
                + #""list":[1,[],{}],"ext":{"type":5,"data":"AQ=="}}"#)
    }

    @Test func prettyFormIsIndentedAndTheSameValue() throws {
        let value: Value = ["a": [1, ["b": nil]], "c": [:]]
        #expect(value.prettyJSON == "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {}\n}")
        #expect(try SpecificationFile.parse(Data(value.prettyJSON.utf8), "test") == value)
    }

    @Test func numbersKeepTheirKind() throws {
        let text = #"{"bool": true, "one": 1, "big": 18446744073709551615, "minus": -5, "half": 0.5, "none": null}"#
        let value = try SpecificationFile.parse(Data(text.utf8), "test")
        #expect(value["bool"] == true)
        #expect(value["one"] == 1)
        #expect(value["big"] == .unsigned(.max))
        #expect(value["minus"] == -5)
        #expect(value["half"] == .double(0.5))
        #expect(value["none"] == .null)
    }

    @Test func whatIsNoJSONIsSaidWithTheFile() {
        #expect(throws: Failure.self) { try SpecificationFile.parse(Data("{\"a\": }".utf8), "spec.json") }
        do {
            _ = try SpecificationFile.parse(Data("{\"a\": }".utf8), "spec.json")
        } catch {
            #expect("\(error)".hasPrefix("invalid_argument: spec.json: "))
        }
    }
}
