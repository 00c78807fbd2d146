import MessagePack

/// The answer to `create` with `dry_run`: what the host's container service would be given.
public struct CreationPlan: Sendable, Equatable {
    /// JSON text.
    public let document: String
    /// Things that a person should know, such as a processor count that was clamped.
    public let warnings: [String]
    /// Parts of the specification that nothing honours, as dotted paths.
    public let ignored: [String]

    /// Nil where `answer` is none.
    init?(_ answer: Value) {
        guard let document = answer["document"]?.string else { return nil }
        self.document = document
        warnings = (answer["warnings"]?.array ?? []).compactMap(\.string)
        ignored = (answer["ignored"]?.array ?? []).compactMap(\.string)
    }
}
