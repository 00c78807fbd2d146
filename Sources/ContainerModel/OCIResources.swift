/// What an `update` changes, in either platform's OCI form.
public enum OCIResources: Sendable, Equatable {
    /// Limits under HCS, and the HNS endpoints that the container is to have, all of them: those that it has and that
    /// are not among them go. Nil leaves them as they are.
    case windows(WindowsResources, endpoints: [String]? = nil)
    case linux(LinuxResources)
}
