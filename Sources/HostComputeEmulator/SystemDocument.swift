/// The fields of ContainerConfig (HostComputeService D.1) that the emulator keeps: an idle system is small.
struct SystemDocument: Sendable {
    let name: String
    let owner: String
    let layerFolder: String
    /// The image of its utility VM; empty with process isolation.
    let runtimeImage: String
    let servicing: Bool
    let terminatesOnLastHandleClosed: Bool
    let resources: SystemResources

    var hyperV: Bool { !runtimeImage.isEmpty }

    /// The folders that must exist, each with the field that names it.
    struct Folders {
        var required: [(role: String, path: String)] = []
    }

    /// Reads and checks a document; whether its folders exist is checked by `folders`' user.
    init(_ config: ContainerConfig, folders: inout Folders) throws(HostFailure) {
        guard config.systemType == "Container" else {
            throw .invalidDocument("SystemType: \"Container\" is expected.")
        }
        name = config.name ?? ""
        owner = config.owner ?? ""
        layerFolder = config.layerFolderPath ?? ""
        runtimeImage = config.hvPartition == true ? config.hvRuntime?.imagePath ?? "" : ""
        servicing = config.servicing ?? false
        terminatesOnLastHandleClosed = config.terminateOnLastHandleClosed ?? false
        try SystemDocument.checkIsolation(config, layerFolder: layerFolder, runtimeImage: runtimeImage)

        guard let layers = config.layers, !layers.isEmpty else {
            throw .invalidDocument("Layers: at least one is required.")
        }
        for layer in layers {
            guard let id = layer.id, !id.isEmpty, let path = layer.path, !path.isEmpty else {
                throw .invalidDocument("Layers: each needs an ID and a Path.")
            }
            folders.required.append(("Layers", path))
        }
        for directory in config.mappedDirectories ?? [] {
            guard let host = directory.hostPath, !host.isEmpty, let container = directory.containerPath,
                !container.isEmpty
            else { throw .invalidDocument("MappedDirectories: each needs a HostPath and a ContainerPath.") }
            folders.required.append(("MappedDirectories", host))
        }
        resources = try SystemDocument.resources(config)
    }

    /// The table of HostComputeService D.3. That a missing field answers "invalid document" is inference.
    private static func checkIsolation(
        _ config: ContainerConfig, layerFolder: String, runtimeImage: String
    ) throws(HostFailure) {
        if config.hvPartition == true {
            guard !runtimeImage.isEmpty else {
                throw .invalidDocument("HvRuntime.ImagePath is required for Hyper-V isolation.")
            }
            return
        }
        guard let volume = config.volumePath, !volume.isEmpty else {
            throw .invalidDocument("VolumePath is required for process isolation.")
        }
        guard !volume.hasSuffix("\\") else {
            throw .invalidArgument("VolumePath: '\(volume)' must not end with a backslash.")
        }
        guard !layerFolder.isEmpty else {
            throw .invalidDocument("LayerFolderPath is required for process isolation.")
        }
    }

    private static func resources(_ config: ContainerConfig) throws(HostFailure) -> SystemResources {
        // Zero stands for the default: the 1.13 client omits it, others send it.
        func limit(_ number: Int64?, _ name: StaticString, _ maximum: Int64) throws(HostFailure) -> Int64? {
            let number = try ClientDocument.check(number, name, in: 0...maximum)
            return number == 0 ? nil : number
        }
        var resources = SystemResources()
        resources.memoryInMB = try limit(config.memoryMaximumInMB, "MemoryMaximumInMB", .max)
        resources.processorCount = try limit(config.processorCount, "ProcessorCount", Int64(UInt32.max))
        resources.processorWeight = try limit(config.processorWeight, "ProcessorWeight", 10_000)
        resources.processorMaximum = try limit(config.processorMaximum, "ProcessorMaximum", 10_000)
        resources.endpoints = config.endpointList ?? []
        return resources
    }
}
