/// A compute system in an enumeration of HCS (HostComputeService D.10), as far as the driver asks.
struct ListedSystem: Decodable {
    @Lenient var id: String?
    @Lenient var owner: String?
    @Lenient var state: String?

    private enum CodingKeys: String, CodingKey {
        case id = "Id"
        case owner = "Owner"
        case state = "State"
    }

    /// Whether it was created and never started.
    var isUnstarted: Bool { state == "Created" }
}
