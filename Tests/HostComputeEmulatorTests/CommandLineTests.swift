import Testing

@testable import HostComputeEmulator

@Suite("Command lines are split as CommandLineToArgvW does")
struct CommandLineTests {
    @Test(arguments: [
        (#"a b c"#, ["a", "b", "c"]),
        (#""a b" c"#, ["a b", "c"]),
        (#""a\" b"#, [#"a\"#, "b"]),
        (#"p a\\b"#, ["p", #"a\\b"#]),
        (#"p a\\\b d"e f"g h"#, ["p", #"a\\\b"#, "de fg", "h"]),
        (#"p a\\\"b c d"#, ["p", #"a\"b"#, "c", "d"]),
        (#"p a\\\\"b c" d e"#, ["p", #"a\\b c"#, "d", "e"]),
        (#"p "a""b" c"#, ["p", #"a"b c"#]),
        (#"p "" x"#, ["p", "", "x"]),
        (#"p """a""#, ["p", #""a"#]),
        (#"p "a b"""#, ["p", #"a b""#]),
        ("p\t a \t b  ", ["p", "a", "b"]),
        ("p", ["p"]), ("", []), (" p", ["", "p"]),
    ])
    func splits(_ line: String, _ arguments: [String]) {
        #expect(EmulatedCommandLine.split(line) == arguments)
    }

    @Test("Whatever is escaped by the rules of Go's EscapeArg comes back")
    func escapedArgumentsComeBack() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ab \t\"\\\\\\\"\n'é😀")
        for _ in 0..<20_000 {
            let arguments = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                String((0..<Int.random(in: 0...8, using: &random)).map { _ in alphabet.randomElement() ?? "a" })
            }
            let line = (["program"] + arguments.map(Self.escape)).joined(separator: " ")
            #expect(EmulatedCommandLine.split(line) == ["program"] + arguments, "\(line)")
        }
    }

    /// HostComputeService G.2.
    private static func escape(_ argument: String) -> String {
        if argument.isEmpty { return "\"\"" }
        let quoted = argument.unicodeScalars.contains { $0 == " " || $0 == "\t" }
        var escaped = quoted ? "\"" : ""
        var backslashes = 0
        for scalar in argument.unicodeScalars {
            if scalar == "\\" {
                backslashes += 1
            } else if scalar == "\"" {
                escaped += String(repeating: "\\", count: backslashes + 1)
                backslashes = 0
            } else {
                backslashes = 0
            }
            escaped.unicodeScalars.append(scalar)
        }
        if quoted { escaped += String(repeating: "\\", count: backslashes) + "\"" }
        return escaped
    }
}
