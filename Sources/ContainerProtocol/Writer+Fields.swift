import MessagePack

extension Writer {
    /// How many entries of a map an optional field is.
    static func count(_ field: (some Any)?) -> Int { field == nil ? 0 : 1 }

    /// Writes an array of str.
    func strings(_ texts: [String]) {
        array(texts.count)
        for text in texts { string(text) }
    }

    /// Writes a map of str to str, in the order of its keys.
    func labels(_ labels: [String: String]) {
        map(labels.count)
        guard !labels.isEmpty else { return }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            string(key)
            string(value)
        }
    }
}
