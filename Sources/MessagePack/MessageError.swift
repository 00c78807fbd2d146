/// Why bytes are not an acceptable MessagePack object, or why a value is not what was due.
public struct MessageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One sentence for a person, naming the place where it is known.
    public let description: String

    public init(_ description: String) { self.description = description }
}
