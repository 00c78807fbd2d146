public import ContainerModel
public import MessagePack

extension Value {
    /// An instant.
    public static func timestamp(_ time: Timestamp) -> Value {
        .timestamp(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }

    /// The instant, where it is a timestamp.
    public var timestamp: Timestamp? {
        guard case .timestamp(let seconds, let nanoseconds) = self else { return nil }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }
}

extension Writer {
    /// Writes an instant.
    public func timestamp(_ time: Timestamp) { timestamp(seconds: time.seconds, nanoseconds: time.nanoseconds) }
}
