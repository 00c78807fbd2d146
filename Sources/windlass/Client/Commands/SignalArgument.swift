import MessagePack

/// A signal as a person writes it.
struct SignalArgument {
    /// A number where it is one, a name else.
    static func value(_ text: String) -> Value { UInt64(text).map { .unsigned($0) } ?? .string(text) }
}
