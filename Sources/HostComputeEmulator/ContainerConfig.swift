/// ContainerConfig as clients send it (HostComputeService D.1, D.2), as far as the emulator heeds it.
struct ContainerConfig: Decodable {
    let systemType: String?
    let name: String?
    let owner: String?
    let volumePath: String?
    let layerFolderPath: String?
    let layers: [Layer]?
    let processorCount: Int64?
    let processorWeight: Int64?
    let processorMaximum: Int64?
    let memoryMaximumInMB: Int64?
    let mappedDirectories: [MappedDirectory]?
    let hvPartition: Bool?
    let hvRuntime: HyperVRuntime?
    let endpointList: [String]?
    let servicing: Bool?
    let terminateOnLastHandleClosed: Bool?

    /// A read-only layer.
    struct Layer: Decodable {
        let id: String?
        let path: String?
    }

    /// A folder of the host that the container sees.
    struct MappedDirectory: Decodable {
        let hostPath: String?
        let containerPath: String?
    }

    /// What Hyper-V isolation needs.
    struct HyperVRuntime: Decodable {
        let imagePath: String?
    }
}
