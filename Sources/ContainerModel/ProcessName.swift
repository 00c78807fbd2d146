/// The name of a process within its container; the first one is ``initial``, `init` on the wire.
public struct ProcessName: Hashable, Sendable, CustomStringConvertible {
    /// The name in its wire form.
    public let rawValue: String

    /// Nil where `rawValue` is not a process name.
    public init?(_ rawValue: String) {
        guard Name.isValid(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    private init(trusted: String) { rawValue = trusted }

    /// The container's first process, whose exit is the container's.
    public static let initial = ProcessName(trusted: "init")

    public var description: String { rawValue }
}
