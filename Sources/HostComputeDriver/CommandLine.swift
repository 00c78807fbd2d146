/// Windows command lines: one string, which the program itself takes apart again.
enum CommandLine {
    /// The command line from which CommandLineToArgvW gives back `arguments`. It does not protect what `cmd.exe` reads
    /// as its own.
    static func joining(_ arguments: [String]) -> String {
        arguments.map(escape).joined(separator: " ")
    }

    /// One argument, quoted where it holds a space or a tab or is empty.
    static func escape(_ argument: String) -> String {
        guard !argument.isEmpty else { return "\"\"" }
        let bytes = argument.utf8
        let quoted = bytes.contains(UInt8(ascii: " ")) || bytes.contains(UInt8(ascii: "\t"))
        if !quoted && !bytes.contains(UInt8(ascii: "\"")) { return argument }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + 8)
        if quoted { result.append(UInt8(ascii: "\"")) }
        // Backslashes mean themselves, save right before a quotation mark: there each counts for half.
        var backslashes = 0
        for byte in bytes {
            if byte == UInt8(ascii: "\\") {
                backslashes += 1
            } else {
                if byte == UInt8(ascii: "\"") {
                    result.append(contentsOf: repeatElement(UInt8(ascii: "\\"), count: backslashes + 1))
                }
                backslashes = 0
            }
            result.append(byte)
        }
        if quoted {
            result.append(contentsOf: repeatElement(UInt8(ascii: "\\"), count: backslashes))
            result.append(UInt8(ascii: "\""))
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The program that a command line begins with, for messages.
    static func program(of commandLine: String) -> String {
        if commandLine.hasPrefix("\"") {
            return String(commandLine.dropFirst().prefix { $0 != "\"" })
        }
        return String(commandLine.prefix { $0 != " " && $0 != "\t" })
    }
}
