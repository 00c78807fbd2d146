import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack

/// JSON of MessagePack values: timestamps are RFC 3339, binary is base64, keys keep their order.
extension Value {
    /// On one line.
    var json: String {
        var text = ""
        appendJSON(to: &text, indent: nil)
        return text
    }

    /// On several lines, for people.
    var prettyJSON: String {
        var text = ""
        appendJSON(to: &text, indent: 0)
        return text
    }

    private func appendJSON(to text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .unsigned(let value): text += String(value)
        case .negative(let value): text += String(value)
        // JSON has no word for what is not a number.
        case .double(let value): text += value.isFinite ? "\(value)" : "null"
        case .string(let value): Value.append(value, to: &text)
        case .binary(let value): text += "\"\(Data(value).base64EncodedString())\""
        case .timestamp: text += "\"\(timestamp?.rfc3339() ?? "")\""
        case .extension(let type, let bytes):
            text += #"{"type":\#(type),"data":"\#(Data(bytes).base64EncodedString())"}"#
        case .array(let values):
            Value.append(values, "[", "]", to: &text, indent) { value, text, indent in
                value.appendJSON(to: &text, indent: indent)
            }
        case .map(let map):
            Value.append(map.elements, "{", "}", to: &text, indent) { entry, text, indent in
                Value.append(entry.key, to: &text)
                text += indent == nil ? ":" : ": "
                entry.value.appendJSON(to: &text, indent: indent)
            }
        }
    }

    private static func append<Elements: Collection>(
        _ elements: Elements, _ opening: String, _ closing: String, to text: inout String, _ indent: Int?,
        _ append: (Elements.Element, inout String, Int?) -> Void
    ) {
        text += opening
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            breakLine(&text, indent.map { $0 + 1 })
            append(element, &text, indent.map { $0 + 1 })
        }
        if !elements.isEmpty { breakLine(&text, indent) }
        text += closing
    }

    private static func breakLine(_ text: inout String, _ indent: Int?) {
        guard let indent else { return }
        text += "\n" + String(repeating: "  ", count: indent)
    }

    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<" ", "\u{7F}"..."\u{9F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
