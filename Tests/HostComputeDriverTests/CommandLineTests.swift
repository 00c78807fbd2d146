import Testing

@testable import HostComputeDriver

@Suite struct CommandLineTests {
    @Test(arguments: [
        ("", "\"\""), ("a b", "\"a b\""), (#"a"b"#, #"a\"b"#), (#"c:\x y\"#, #""c:\x y\\""#), (#"c:\x\"#, #"c:\x\"#),
        (#"\""#, #"\\\""#), ("a\tb", "\"a\tb\""), ("a\nb", "a\nb"), ("plain", "plain"), (#"a\\"b c"#, #""a\\\\\"b c""#),
    ])
    func escapes(argument: String, expected: String) {
        #expect(CommandLine.escape(argument) == expected)
    }

    /// What a program sees is what the caller gave, whatever it is made of.
    @Test func roundTrip() {
        var random = SystemRandomNumberGenerator()
        let alphabet: [Character] = ["a", "\\", "\"", " ", "\t", "é", "'"]
        for _ in 0..<2000 {
            let arguments = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                String((0..<Int.random(in: 0...8, using: &random)).map { _ in alphabet.randomElement() ?? "a" })
            }
            // The program's own name is read by other rules; the arguments after it are what escaping is for.
            let line = CommandLine.joining(["p"] + arguments)
            #expect(parsed(line) == ["p"] + arguments, "\(line)")
        }
    }

    @Test func findsTheProgram() {
        #expect(CommandLine.program(of: #""c:\a b\c.exe" d"#) == #"c:\a b\c.exe"#)
        #expect(CommandLine.program(of: "cmd /c dir") == "cmd")
    }

    /// The rules of CommandLineToArgvW for the arguments after the first.
    private func parsed(_ line: String) -> [String] {
        var arguments: [String] = []
        var current: [Character] = []
        var open = false
        var quoted = false
        var backslashes = 0
        for character in line {
            switch character {
            case "\\":
                backslashes += 1
                open = true
                continue
            case "\"":
                current += Array(repeating: "\\", count: backslashes / 2)
                if backslashes % 2 == 1 { current.append("\"") } else { quoted.toggle() }
                open = true
            case " ", "\t":
                current += Array(repeating: "\\", count: backslashes)
                if quoted {
                    current.append(character)
                } else if open {
                    arguments.append(String(current))
                    current = []
                    open = false
                }
            default:
                current += Array(repeating: "\\", count: backslashes)
                current.append(character)
                open = true
            }
            backslashes = 0
        }
        current += Array(repeating: "\\", count: backslashes)
        if open { arguments.append(String(current)) }
        return arguments
    }
}
