public import MessagePack

/// What can be the result of a response, or a part of one.
public protocol WireEncodable: Sendable {
    /// Writes exactly one object.
    func encode(to writer: Writer)
}

extension Value: WireEncodable {
    public func encode(to writer: Writer) { writer.value(self) }
}
