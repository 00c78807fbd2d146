/// The fields of ContainerConfig (hcs-reference D.1) that the emulator keeps: an idle system is small.
struct SystemDocument: Sendable {
    let name: String
    let owner: String
    let layerFolder: String
    let hyperV: Bool
    let servicing: Bool
    let terminatesOnLastHandleClosed: Bool
    let resources: SystemResources

    /// The folders that must exist, each with the field that names it.
    struct Folders {
        var required: [(role: String, path: String)] = []
    }

    /// Reads and checks a document; whether its folders exist is checked by `folders`' user.
    init(_ document: JSONValue, folders: inout Folders) throws(HostFailure) {
        guard try document.string("SystemType") == "Container" else {
            throw .invalidDocument("SystemType: \"Container\" is expected.")
        }
        name = try document.string("Name") ?? ""
        owner = try document.string("Owner") ?? ""
        layerFolder = try document.string("LayerFolderPath") ?? ""
        hyperV = try document.bool("HvPartition")
        servicing = try document.bool("Servicing")
        terminatesOnLastHandleClosed = try document.bool("TerminateOnLastHandleClosed")
        try SystemDocument.checkIsolation(document, layerFolder: layerFolder, hyperV: hyperV)

        let layers = try document.array("Layers")
        guard !layers.isEmpty else { throw .invalidDocument("Layers: at least one is required.") }
        for layer in layers {
            guard let id = try layer.string("ID"), !id.isEmpty, let path = try layer.string("Path"), !path.isEmpty
            else { throw .invalidDocument("Layers: each needs an ID and a Path.") }
            folders.required.append(("Layers", path))
        }
        for directory in try document.array("MappedDirectories") {
            guard let host = try directory.string("HostPath"), !host.isEmpty,
                let container = try directory.string("ContainerPath"), !container.isEmpty
            else { throw .invalidDocument("MappedDirectories: each needs a HostPath and a ContainerPath.") }
            folders.required.append(("MappedDirectories", host))
        }
        resources = try SystemDocument.resources(document)
    }

    /// The table of hcs-reference D.3. That a missing field answers "invalid document" is inference.
    private static func checkIsolation(
        _ document: JSONValue, layerFolder: String, hyperV: Bool
    ) throws(HostFailure) {
        if hyperV {
            guard let path = try document["HvRuntime"]?.string("ImagePath"), !path.isEmpty else {
                throw .invalidDocument("HvRuntime.ImagePath is required for Hyper-V isolation.")
            }
            return
        }
        guard let volume = try document.string("VolumePath"), !volume.isEmpty else {
            throw .invalidDocument("VolumePath is required for process isolation.")
        }
        guard !volume.hasSuffix("\\") else {
            throw .invalidArgument("VolumePath: '\(volume)' must not end with a backslash.")
        }
        guard !layerFolder.isEmpty else {
            throw .invalidDocument("LayerFolderPath is required for process isolation.")
        }
    }

    private static func resources(_ document: JSONValue) throws(HostFailure) -> SystemResources {
        // Zero stands for the default: the 1.13 client omits it, others send it.
        func limit(_ key: String, _ maximum: Int64) throws(HostFailure) -> Int64? {
            let number = try document.integer(key, in: 0...maximum)
            return number == 0 ? nil : number
        }
        var resources = SystemResources()
        resources.memoryInMB = try limit("MemoryMaximumInMB", .max)
        resources.processorCount = try limit("ProcessorCount", Int64(UInt32.max))
        resources.processorWeight = try limit("ProcessorWeight", 10_000)
        resources.processorMaximum = try limit("ProcessorMaximum", 10_000)
        resources.endpoints = try document.strings("EndpointList")
        return resources
    }
}
