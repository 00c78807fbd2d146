/// A Windows command line, split by the rules of CommandLineToArgvW.
///
/// The program's name ends at the next quote or, unquoted, at the next space, and knows no escapes. In the arguments
/// 2n backslashes before a quote are n backslashes and the quote opens or closes; 2n+1 are n backslashes and a quote
/// that is text; and of three quotes in a row the third is text.
enum EmulatedCommandLine {
    static func split(_ line: String) -> [String] {
        let units = Array(line.utf8)
        guard !units.isEmpty else { return [] }
        var position = 0
        var arguments = [programName(units, &position)]
        skipSpace(units, &position)
        while position < units.count {
            arguments.append(argument(units, &position))
            skipSpace(units, &position)
        }
        return arguments
    }

    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    private static func isSpace(_ unit: UInt8) -> Bool {
        unit == UInt8(ascii: " ") || unit == UInt8(ascii: "\t")
    }

    private static func skipSpace(_ units: [UInt8], _ position: inout Int) {
        while position < units.count, isSpace(units[position]) { position += 1 }
    }

    private static func programName(_ units: [UInt8], _ position: inout Int) -> String {
        guard units[0] == quote else {
            position = units.firstIndex(where: isSpace) ?? units.count
            return String(decoding: units[..<position], as: UTF8.self)
        }
        let end = units[1...].firstIndex(of: quote) ?? units.count
        position = min(end + 1, units.count)
        return String(decoding: units[1..<end], as: UTF8.self)
    }

    private static func argument(_ units: [UInt8], _ position: inout Int) -> String {
        var text: [UInt8] = []
        var quotes = 0
        var backslashes = 0
        while position < units.count, quotes > 0 || !isSpace(units[position]) {
            let unit = units[position]
            position += 1
            switch unit {
            case backslash:
                backslashes += 1
                text.append(unit)
            case quote:
                text.removeLast((backslashes + 1) / 2)
                if backslashes % 2 == 0 { quotes += 1 } else { text.append(quote) }
                backslashes = 0
                while position < units.count, units[position] == quote {
                    position += 1
                    quotes += 1
                    if quotes == 3 {
                        text.append(quote)
                        quotes = 0
                    }
                }
                if quotes == 2 { quotes = 0 }
            default:
                backslashes = 0
                text.append(unit)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
