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

/// The alphabet that container ids and process names share.
enum Name {
    /// What a name may be, for messages to people.
    static let rule =
        "\(Bounds.name.lowerBound) to \(Bounds.name.upperBound) characters of A-Z a-z 0-9 _ . - beginning with a letter or "
        + "a digit"

    static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        guard Bounds.name.contains(bytes.count), let first = bytes.first, isAlphanumeric(first) else { return false }
        return bytes.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}
