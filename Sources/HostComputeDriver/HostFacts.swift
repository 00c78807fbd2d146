import CHostCompute

/// What building a document needs to know of the host.
struct HostFacts: Sendable {
    /// How many processors it has.
    var processors: UInt64
    /// Whether a path is a folder.
    var isFolder: @Sendable (String) -> Bool
    /// A layer's id.
    var layerID: @Sendable (String) throws(HostComputeError) -> String

    /// Whether a path of this host is a folder.
    static func isFolder(_ path: String) -> Bool {
        var path = path
        return path.withUTF8 { buffer in
            UnsafeRawBufferPointer(buffer).withMemoryRebound(to: CChar.self) { characters in
                hc_is_folder(hc_text(bytes: characters.baseAddress, length: characters.count)) != 0
            }
        }
    }
}
