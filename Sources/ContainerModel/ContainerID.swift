/// The name of a container: 1 to 128 characters of `[A-Za-z0-9][A-Za-z0-9_.-]*`.
public struct ContainerID: Hashable, Sendable, CustomStringConvertible {
    /// The name in its wire form.
    public let rawValue: String

    /// Nil where `rawValue` is not a container name.
    public init?(_ rawValue: String) {
        guard Name.isValid(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    public var description: String { rawValue }
}
