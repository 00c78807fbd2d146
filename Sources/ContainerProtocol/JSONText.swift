import MessagePack

/// A MessagePack value as JSON on one line, keys in their order.
struct JSONText {
    private(set) var text = ""

    /// Nil where the value holds something that JSON has no form for.
    init?(_ value: Value) { guard append(value) else { return nil } }

    private mutating func append(_ value: Value) -> Bool {
        switch value {
        case .null: text += "null"
        case .bool(let bool): text += bool ? "true" : "false"
        case .unsigned(let number): text += String(number)
        case .negative(let number): text += String(number)
        case .double(let number):
            guard number.isFinite else { return false }
            text += "\(number)"
        case .string(let string): append(string)
        case .array(let values):
            text += "["
            for (index, each) in values.enumerated() {
                if index > 0 { text += "," }
                guard append(each) else { return false }
            }
            text += "]"
        case .map(let map):
            text += "{"
            for (index, entry) in map.elements.enumerated() {
                if index > 0 { text += "," }
                append(entry.key)
                text += ":"
                guard append(entry.value) else { return false }
            }
            text += "}"
        case .binary, .timestamp, .extension: return false
        }
        return true
    }

    private mutating func append(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
