/// A request to change a compute system (HostComputeService D.11).
struct SystemModification: Decodable {
    let resourceType: String?
    let resourcePath: String?
    let requestType: String?
    /// Nil where there are none, or the resource is none that can be changed.
    let settings: Settings?

    static let network = "Network"
    static let memory = "Container/Memory/SizeInMB"
    static let processor = "Container/Processor"

    /// What the resource is to be.
    enum Settings {
        case network(Endpoint)
        case memory(Int64)
        case processor(Processor)
    }

    private enum CodingKeys: CodingKey { case resourceType, resourcePath, requestType, settings }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        resourceType = try fields.decodeIfPresent(String.self, forKey: .resourceType)
        resourcePath = try fields.decodeIfPresent(String.self, forKey: .resourcePath)
        requestType = try fields.decodeIfPresent(String.self, forKey: .requestType)
        settings =
            switch resourceType ?? resourcePath {
            case SystemModification.network:
                try fields.decodeIfPresent(Endpoint.self, forKey: .settings).map(Settings.network)
            case SystemModification.memory:
                try fields.decodeIfPresent(Int64.self, forKey: .settings).map(Settings.memory)
            case SystemModification.processor:
                try fields.decodeIfPresent(Processor.self, forKey: .settings).map(Settings.processor)
            default: nil
            }
    }

    /// A network endpoint: its id, or an object that names itself by one of these [inf].
    struct Endpoint: Decodable {
        let id: String

        private enum CodingKeys: CodingKey { case endpointId, id }

        init(from decoder: any Decoder) throws {
            if let id = try? decoder.singleValueContainer().decode(String.self) {
                self.id = id
                return
            }
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            id =
                try fields.decodeIfPresent(String.self, forKey: .endpointId)
                ?? fields.decodeIfPresent(String.self, forKey: .id) ?? ""
        }
    }

    /// Limits of the processors, which exclude one another.
    struct Processor: Decodable {
        let count: Int64?
        let maximum: Int64?
        let weight: Int64?
    }
}
