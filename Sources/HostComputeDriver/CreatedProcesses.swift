/// The processes that were created in a compute system, as an emulator service reports them. HCS has no such property.
struct CreatedProcesses: Decodable {
    /// Every process that was created since then is among ``processes``, whether or not it has exited.
    @Lenient var since: String?
    @Lenient var processes: [Lenient<ProcessDetails>]?

    private enum CodingKeys: String, CodingKey {
        case since = "Since"
        case processes = "Processes"
    }
}
