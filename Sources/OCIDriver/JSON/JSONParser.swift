/// Reads one JSON value from bytes that may come from anywhere: nothing in them can make it fail otherwise than with nil.
struct JSONParser {
    /// Deeper nesting is refused: each level takes some of the stack.
    private static let deepest = 64

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The value that `bytes` are; nil where they are none, or something follows it.
    static func parse(_ bytes: [UInt8]) -> JSON? {
        var parser = JSONParser(bytes)
        guard let value = parser.value(depth: 0) else { return nil }
        parser.skipSpace()
        return parser.position == bytes.count ? value : nil
    }

    static func parse(_ text: String) -> JSON? { parse(Array(text.utf8)) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func take(_ word: StaticString) -> Bool {
        word.withUTF8Buffer { buffer in
            guard bytes[position...].starts(with: buffer) else { return false }
            position += buffer.count
            return true
        }
    }

    private mutating func value(depth: Int) -> JSON? {
        guard depth < JSONParser.deepest else { return nil }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return string().map(JSON.string)
        case UInt8(ascii: "t"): return take("true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return take("false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return take("null") ? .null : nil
        default: return number()
        }
    }

    private mutating func object(depth: Int) -> JSON? {
        guard take("{" as Unicode.Scalar) else { return nil }
        var object = JSONObject()
        skipSpace()
        if take("}" as Unicode.Scalar) { return .object(object) }
        while true {
            skipSpace()
            guard let key = string() else { return nil }
            skipSpace()
            guard take(":" as Unicode.Scalar), let value = value(depth: depth + 1) else { return nil }
            object[key] = value
            skipSpace()
            if take("}" as Unicode.Scalar) { return .object(object) }
            guard take("," as Unicode.Scalar) else { return nil }
        }
    }

    private mutating func array(depth: Int) -> JSON? {
        guard take("[" as Unicode.Scalar) else { return nil }
        var values: [JSON] = []
        skipSpace()
        if take("]" as Unicode.Scalar) { return .array(values) }
        while true {
            guard let value = value(depth: depth + 1) else { return nil }
            values.append(value)
            skipSpace()
            if take("]" as Unicode.Scalar) { return .array(values) }
            guard take("," as Unicode.Scalar) else { return nil }
        }
    }

    private mutating func number() -> JSON? {
        let start = position
        while let byte = next, byte.isNumeric { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let number = Int64(text) { return text.hasPrefix("+") ? nil : .integer(number) }
        if let number = UInt64(text) { return .unsigned(number) }
        guard let number = Double(text), number.isFinite else { return nil }
        return .double(number)
    }

    private mutating func string() -> String? {
        guard take("\"" as Unicode.Scalar) else { return nil }
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): guard escape(into: &text) else { return nil }
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(into text: inout [UInt8]) -> Bool {
        guard let byte = next else { return false }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "u"):
            guard let first = hexadecimal() else { return false }
            var scalar = Unicode.Scalar(first)
            if (0xD800..<0xDC00).contains(first), take("\\u"), let second = hexadecimal(),
                (0xDC00..<0xE000).contains(second)
            {
                scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            }
            text += String(Character(scalar ?? "\u{FFFD}")).utf8
        default: return false
        }
        return true
    }

    private mutating func hexadecimal() -> UInt32? {
        guard position + 4 <= bytes.count else { return nil }
        let digits = String(decoding: bytes[position..<position + 4], as: UTF8.self)
        guard digits.allSatisfy(\.isHexDigit), let number = UInt32(digits, radix: 16) else { return nil }
        position += 4
        return number
    }
}

extension UInt8 {
    fileprivate var isNumeric: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
