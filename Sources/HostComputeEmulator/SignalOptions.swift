/// The signal that a process is to get (HostComputeService D.7).
struct SignalOptions: Decodable {
    let signal: String?
}
