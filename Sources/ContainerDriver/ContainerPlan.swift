/// What a driver would hand to the host's container service for a new container.
public struct ContainerPlan: Sendable, Equatable {
    /// The document as JSON text: HCS's, or the `config.json` of an OCI bundle.
    public var document: String
    /// The same for a log, with credentials masked.
    public var loggable: String
    /// What a person should know of it, as in ``CreatedContainer/warnings``.
    public var warnings: [String]
    /// Parts of the specification that this driver does not honour, as dotted paths.
    public var ignored: [String]

    /// A plan.
    public init(document: String, loggable: String, warnings: [String] = [], ignored: [String] = []) {
        self.document = document
        self.loggable = loggable
        self.warnings = warnings
        self.ignored = ignored
    }
}
