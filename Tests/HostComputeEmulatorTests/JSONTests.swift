import CHostCompute
import Foundation
import Testing

@testable import HostComputeEmulator

@Suite("Documents are read as JSON and nothing else")
struct JSONTests {
    private func read<Document: Decodable>(_ document: Document.Type, _ units: [HcsChar]) throws -> Document {
        try ClientDocument.read(document, WideString.string(units))
    }

    private func read<Document: Decodable>(_ document: Document.Type, _ text: String) throws -> Document {
        try read(document, Array(text.utf16))
    }

    private func refusal<Document: Decodable>(_ document: Document.Type, _ text: String) -> HostFailure? {
        #expect(throws: HostFailure.self) { try self.read(document, text) }
    }

    @Test func readsEveryKind() throws {
        let config = try read(
            ProcessConfig.self,
            #" {"CommandLine": "x\n\"\\\/\u00e9é😀\ud83d\ude00", "EmulateConsole": true, "CreateStdInPipe": false, "#
                + #""User": null, "ConsoleSize": [0, 70000], "Environment": {"": "", "é": "1=2"}, "#
                + #""Other": [1, -2.5e3, true, false, null, {"": {}}]} "#)
        #expect(config.commandLine == "x\n\"\\/éé😀😀")
        #expect(config.emulateConsole == true && config.createStdInPipe == false && config.createStdOutPipe == nil)
        #expect(config.user == nil && config.workingDirectory == nil)
        #expect(config.consoleSize == [0, 70000])
        #expect(config.environment == ["": "", "é": "1=2"])
    }

    @Test(arguments: [
        "{", "}", "[]", "[1,]", "5", "null", "\"\"", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":nul}", "{\"a\":truex}",
        "{\"",
        "{\"Signal\":\"\\x\"}", "{\"Signal\":\"\\u12\"}", "{\"a\":01x}", "{\"a\":+1}", "{\"a\":.5}", "{} {}", "{}x",
        "{\"a\":[1 2]}", "{\"Signal\":\"\u{1}\"}", "{\"Signal\":\"\\ud800\"}", "{\"Signal\":15}", "nonsense", " ",
    ])
    func refuses(_ text: String) throws {
        let failure = try #require(refusal(SignalOptions.self, text))
        #expect(failure.code == ResultCode.invalidDocument)
        #expect(failure.message.hasPrefix("Signal: ") || failure.message.hasPrefix("The document"), "\(failure)")
    }

    @Test func missingAndEmptyDocumentsAreEmptyObjects() throws {
        #expect(try ClientDocument.read(SignalOptions.self, nil).signal == nil)
        #expect(try read(SignalOptions.self, "").signal == nil)
        _ = try read(UnreadDocument.self, #"{"any": ["thing"]}"#)
        #expect(refusal(UnreadDocument.self, "[]") != nil)
    }

    @Test func namesTheFieldThatItRefuses() throws {
        let layer = try #require(refusal(ContainerConfig.self, #"{"Layers":[{"ID":"a"},{"Path":1}]}"#))
        #expect(layer.message.hasPrefix("Layers, entry 2, Path: a string"), "\(layer)")
        let variable = try #require(refusal(ProcessConfig.self, #"{"Environment":{"A":1}}"#))
        #expect(variable.message.hasPrefix("Environment, A: "), "\(variable)")
        let expected = [
            ("Servicing", "true or false"), ("MemoryMaximumInMB", "an integer"), ("EndpointList", "an array"),
            ("HvRuntime", "an object"),
        ]
        for (field, words) in expected {
            let failure = try #require(refusal(ContainerConfig.self, "{\"\(field)\":\"\"}"))
            #expect(failure.message == "\(field): \(words) is expected.")
        }
    }

    @Test func numbersThatDoNotFit() throws {
        #expect(try read(ContainerConfig.self, "{\"MemoryMaximumInMB\":\(Int64.max)}").memoryMaximumInMB == .max)
        for number in ["9223372036854775808", "1e400", "0.5", String(repeating: "9", count: 10_000)] {
            let failure = try #require(refusal(ContainerConfig.self, "{\"MemoryMaximumInMB\":\(number)}"))
            #expect(failure.code == ResultCode.invalidDocument)
        }
        // Nobody looks at it.
        _ = try read(ContainerConfig.self, #"{"StorageSandboxSize":1e400}"#)
    }

    @Test func unpairedSurrogatesAreReplaced() throws {
        let units = Array(#"{"Signal":""#.utf16) + [0xD800] + Array("\"}".utf16)
        #expect(try read(SignalOptions.self, units).signal == "\u{FFFD}")
    }

    @Test func invalidBytesInAFileAreRefused() {
        let text = Data("{\"signal\":\"".utf8) + [0xFF] + Data("\"}".utf8)
        #expect(throws: HostFailure.self) { try ClientDocument.read(SignalOptions.self, text) }
        #expect(throws: HostFailure.self) { try ClientDocument.read(SignalOptions.self, Data()) }
    }

    @Test func aKeyThatComesTwiceIsOneOfBoth() throws {
        let signal = try read(SignalOptions.self, #"{"Signal":"a","Signal":"b"}"#).signal
        #expect(["a", "b"].contains(signal))
    }

    /// On a stack as small as those that callbacks come on.
    @Test func refusesDepth() async {
        let array = Array(String(repeating: "[", count: 100_000).utf16)
        let object = Array(String(repeating: #"{"Signal":"#, count: 100_000).utf16)
        let read = await withCheckedContinuation { continuation in
            let thread = Thread {
                let read = [array, Array(#"{"Other":"#.utf16) + array, object].map { units in
                    (try? self.read(SignalOptions.self, units)) != nil
                }
                continuation.resume(returning: read)
            }
            thread.stackSize = 512 * 1024
            thread.start()
        }
        #expect(read == [false, false, false])
    }

    @Test func writesWhatItReads() throws {
        let text = "q\"\\\n\u{1}é😀"
        var object = JSONObject()
        object.add("Signal", string: text)
        #expect(try read(SignalOptions.self, object.finish()).signal == text)
    }
}
