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

    private enum CodingKeys: String, CodingKey {
        case systemType = "SystemType"
        case name = "Name"
        case owner = "Owner"
        case volumePath = "VolumePath"
        case layerFolderPath = "LayerFolderPath"
        case layers = "Layers"
        case processorCount = "ProcessorCount"
        case processorWeight = "ProcessorWeight"
        case processorMaximum = "ProcessorMaximum"
        case memoryMaximumInMB = "MemoryMaximumInMB"
        case mappedDirectories = "MappedDirectories"
        case hvPartition = "HvPartition"
        case hvRuntime = "HvRuntime"
        case endpointList = "EndpointList"
        case servicing = "Servicing"
        case terminateOnLastHandleClosed = "TerminateOnLastHandleClosed"
    }

    /// A read-only layer.
    struct Layer: Decodable {
        let id: String?
        let path: String?

        private enum CodingKeys: String, CodingKey {
            case id = "ID"
            case path = "Path"
        }
    }

    /// A folder of the host that the container sees.
    struct MappedDirectory: Decodable {
        let hostPath: String?
        let containerPath: String?

        private enum CodingKeys: String, CodingKey {
            case hostPath = "HostPath"
            case containerPath = "ContainerPath"
        }
    }

    /// What Hyper-V isolation needs.
    struct HyperVRuntime: Decodable {
        let imagePath: String?

        private enum CodingKeys: String, CodingKey {
            case imagePath = "ImagePath"
        }
    }
}
