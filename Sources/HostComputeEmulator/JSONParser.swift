import CHostCompute

/// Reads JSON straight from the UTF-16 text of a call: no conversion of the document, which lies on the hot path.
struct JSONParser {
    /// Deeper documents are refused, so that a hostile one cannot exhaust the stack.
    private static let maximumDepth = 64

    private let text: UnsafeBufferPointer<HcsChar>
    private var position = 0

    /// Parses the whole of `text`, which must be one JSON value.
    static func parse(_ text: UnsafeBufferPointer<HcsChar>) throws(HostFailure) -> JSONValue {
        var parser = JSONParser(text: text)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == text.count else { throw parser.failure("the document goes on after its end") }
        return value
    }

    /// Parses an optional document: a missing or empty one is an empty object (hcs-reference A.1, D.8).
    static func parse(_ text: UnsafePointer<HcsChar>?) throws(HostFailure) -> JSONValue {
        guard let text else { return .object([]) }
        let buffer = WideString.buffer(text)
        if buffer.isEmpty { return .object([]) }
        let value = try parse(buffer)
        guard case .object = value else { throw .invalidDocument("The document is not an object.") }
        return value
    }

    private init(text: UnsafeBufferPointer<HcsChar>) {
        self.text = text
    }

    private func failure(_ reason: String) -> HostFailure {
        .invalidDocument("The document is not valid JSON: \(reason), at character \(position).")
    }

    private mutating func skipSpace() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, text[position] == UInt16(truncatingIfNeeded: character.value) else { return false }
        position += 1
        return true
    }

    private mutating func accept(word: String) throws(HostFailure) {
        for scalar in word.unicodeScalars where !accept(scalar) { throw failure("an unknown word") }
    }

    private mutating func value(depth: Int) throws(HostFailure) -> JSONValue {
        guard depth < JSONParser.maximumDepth else { throw failure("it is nested too deeply") }
        skipSpace()
        guard position < text.count else { throw failure("it ends early") }
        switch Unicode.Scalar(text[position]) {
        case "{": return try object(depth: depth)
        case "[": return try array(depth: depth)
        case "\"": return .string(try string())
        case "t":
            try accept(word: "true")
            return .bool(true)
        case "f":
            try accept(word: "false")
            return .bool(false)
        case "n":
            try accept(word: "null")
            return .null
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(HostFailure) -> JSONValue {
        position += 1
        var members: [(key: String, value: JSONValue)] = []
        skipSpace()
        if accept("}") { return .object(members) }
        repeat {
            skipSpace()
            guard position < text.count, text[position] == 0x22 else { throw failure("a name is expected") }
            let key = try string()
            skipSpace()
            guard accept(":") else { throw failure("':' is expected") }
            members.append((key, try value(depth: depth + 1)))
            skipSpace()
        } while accept(",")
        guard accept("}") else { throw failure("'}' is expected") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(HostFailure) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if accept("]") { return .array(elements) }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while accept(",")
        guard accept("]") else { throw failure("']' is expected") }
        return .array(elements)
    }

    private mutating func string() throws(HostFailure) -> String {
        position += 1
        let start = position
        while position < text.count {
            let unit = text[position]
            if unit == 0x22 {
                defer { position += 1 }
                return WideString.string(UnsafeBufferPointer(rebasing: text[start..<position]))
            }
            guard unit >= 0x20 else { throw failure("a control character in a string") }
            if unit == 0x5C { return try escapedString(from: start) }
            position += 1
        }
        throw failure("a string without an end")
    }

    private mutating func escapedString(from start: Int) throws(HostFailure) -> String {
        var units = Array(text[start..<position])
        while position < text.count {
            let unit = text[position]
            position += 1
            switch unit {
            case 0x22: return WideString.string(units)
            case 0x5C: units.append(try escape())
            case ..<0x20: throw failure("a control character in a string")
            default: units.append(unit)
            }
        }
        throw failure("a string without an end")
    }

    private mutating func escape() throws(HostFailure) -> UInt16 {
        guard position < text.count else { throw failure("an escape without an end") }
        defer { position += 1 }
        switch Unicode.Scalar(text[position]) {
        case "\"": return 0x22
        case "\\": return 0x5C
        case "/": return 0x2F
        case "b": return 0x08
        case "f": return 0x0C
        case "n": return 0x0A
        case "r": return 0x0D
        case "t": return 0x09
        case "u":
            guard position + 4 < text.count,
                let unit = UInt16(String(decoding: text[position + 1...position + 4], as: UTF16.self), radix: 16)
            else { throw failure("'\\u' without four digits") }
            position += 4
            return unit
        default: throw failure("an unknown escape")
        }
    }

    private mutating func number() throws(HostFailure) -> JSONValue {
        let start = position
        while position < text.count, let character = Unicode.Scalar(text[position]),
            ("0"..."9").contains(character) || "+-.eE".unicodeScalars.contains(character)
        { position += 1 }
        let digits = WideString.string(UnsafeBufferPointer(rebasing: text[start..<position]))
        if let integer = Int64(digits), !digits.hasPrefix("+") { return .integer(integer) }
        guard let number = Double(digits), number.isFinite, let first = digits.utf8.first, first != 0x2B, first != 0x2E
        else { throw failure("a value is expected") }
        return .number(number)
    }
}
