/// The settings that a compute system was created under, shared by all of the same time.
final class SharedSettings: Sendable {
    let values: HostComputeEmulator.Settings
    /// `<root>/layers/`; empty without a root.
    let layers: String

    init(_ values: HostComputeEmulator.Settings) {
        self.values = values
        layers = values.root.isEmpty ? "" : values.root + "/layers/"
    }
}
