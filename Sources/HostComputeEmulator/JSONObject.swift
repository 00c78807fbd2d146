/// A JSON object under construction: the documents that the emulator answers are flat, so text is all it needs.
struct JSONObject {
    private var text = "{"

    mutating func add(_ key: StaticString, string value: String) {
        name(key)
        text += JSONObject.quoted(value)
    }

    mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
        name(key)
        text += String(value)
    }

    mutating func add(_ key: StaticString, _ value: Bool) {
        name(key)
        text += value ? "true" : "false"
    }

    /// Adds a value that is JSON text already.
    mutating func add(_ key: StaticString, json value: String) {
        name(key)
        text += value
    }

    func finish() -> String {
        text + "}"
    }

    private mutating func name(_ key: StaticString) {
        if text.utf8.count > 1 { text += "," }
        text += "\"\(key)\":"
    }

    static func quoted(_ value: String) -> String {
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..<" ":
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
