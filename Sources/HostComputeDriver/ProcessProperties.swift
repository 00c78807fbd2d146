/// The properties of a process in HCS (HostComputeService D.5), as far as the driver asks.
struct ProcessProperties: Decodable {
    @Lenient var exited: Bool?
    /// Unsigned by the documentation; a signed one is the same 32 bits.
    @Lenient var exitCode: Int64?
    @Lenient var lastWaitResult: Int64?

    private enum CodingKeys: String, CodingKey {
        case exited = "Exited"
        case exitCode = "ExitCode"
        case lastWaitResult = "LastWaitResult"
    }
}
