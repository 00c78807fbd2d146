import CHostCompute

/// What building a document needs to know of the host.
struct HostFacts: Sendable {
    /// How many processors it has.
    var processors: UInt64
    /// Whether a path is a folder; what is not there is none.
    var isFolder: @Sendable (String) throws(HostComputeError) -> Bool
    /// A layer's id.
    var layerID: @Sendable (String) throws(HostComputeError) -> String
    /// Whether it has servicing runs.
    var hasServicing = true
    /// Whether a container is kept apart from its host, so that its limits are enforced and its mounts are seen.
    var isolates = true

    /// Whether a path of this host is a folder; what is not there is none.
    static func isFolder(_ path: String) throws(HostComputeError) -> Bool {
        var path = path
        var error: Int32 = 0
        let isFolder = path.withUTF8 { buffer in
            UnsafeRawBufferPointer(buffer).withMemoryRebound(to: CChar.self) { characters in
                hc_is_folder(hc_text(bytes: characters.baseAddress, length: characters.count), &error) != 0
            }
        }
        guard error == 0 else { throw HostComputeError("looking for a folder", .unreadable(error: error)) }
        return isFolder
    }
}
