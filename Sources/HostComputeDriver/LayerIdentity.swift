/// The id by which HCS knows a layer: NameToGuid of its folder's name.
enum LayerIdentity {
    /// The last component of a path: what follows the last separator, or a bare drive prefix.
    static func name(ofFolder path: String) -> String {
        let bytes = path.utf8
        if let separator = bytes.lastIndex(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "/") }) {
            return String(path[bytes.index(after: separator)...])
        }
        if bytes.count >= 2, bytes[bytes.index(after: bytes.startIndex)] == UInt8(ascii: ":") {
            return String(path.dropFirst(2))
        }
        return path
    }

    /// The layer's id in its printed, lower-case form.
    static func id(ofFolder path: String, host: HostCompute) throws(HostComputeError) -> String {
        try host.guid(ofName: name(ofFolder: path))
    }
}
