/// Reads what a runtime logged with `--log-format json`. Pure.
enum RuntimeLog {
    /// The last error's text, for a message; nil where there is none.
    static func reason(_ text: String?) -> String? {
        let lines = (text ?? "").split(separator: "\n")
        let entries = lines.compactMap { JSONParser.parse(Array($0.utf8)) }
        let errors = entries.filter { ["error", "fatal"].contains($0["level"]?.string ?? "") }
        guard let message = (errors.last ?? entries.last)?["msg"]?.string ?? lines.last.map(String.init) else {
            return nil
        }
        return String(message.prefix(1000)).trimmingSpace
    }
}
