/// The properties of a compute system in HCS (HostComputeService D.8), as far as the driver asks.
struct ContainerProperties: Decodable {
    @Lenient var id: String?
    @Lenient var owner: String?
    @Lenient var state: String?
    @Lenient var stopped: Bool?
    @Lenient var runtimeImagePath: String?
    @Lenient var areUpdatesPending: Bool?
    @Lenient var statistics: StatisticsProperties?
    @Lenient var processList: [Lenient<ProcessDetails>]?
    /// The emulator's own.
    @Lenient var createdProcesses: CreatedProcesses?

    private enum CodingKeys: String, CodingKey {
        case id = "Id"
        case owner = "Owner"
        case state = "State"
        case stopped = "Stopped"
        case runtimeImagePath = "RuntimeImagePath"
        case areUpdatesPending = "AreUpdatesPending"
        case statistics = "Statistics"
        case processList = "ProcessList"
        case createdProcesses = "CreatedProcesses"
    }
}
