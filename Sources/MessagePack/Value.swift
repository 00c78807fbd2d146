// A `Value.Map` is one of its dictionaries, so its members come with this module.
@_exported public import OrderedCollections

/// A MessagePack object that stands on its own.
public enum Value: Sendable, Hashable {
    /// A map with str keys, in order.
    public typealias Map = OrderedDictionary<String, Value>

    case null
    case bool(Bool)
    /// An integer from 0 on.
    case unsigned(UInt64)
    /// An integer below 0.
    case negative(Int64)
    case double(Double)
    case string(String)
    case binary([UInt8])
    case array([Value])
    case map(Map)
    /// An instant: seconds since 1970-01-01T00:00:00Z, and nanoseconds after them, below 1,000,000,000.
    case timestamp(seconds: Int64, nanoseconds: UInt32)
    /// An extension of a type that this module does not know.
    case `extension`(type: Int8, [UInt8])

    /// The value under `key`, where this is a map that has it.
    public subscript(key: String) -> Value? {
        guard case .map(let map) = self else { return nil }
        return map[key]
    }

    /// An integer.
    public static func int(_ value: some BinaryInteger) -> Value {
        if value >= 0 { return .unsigned(UInt64(clamping: value)) }
        return .negative(Int64(clamping: value))
    }

    /// The bool, where it is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The text, where it is a str.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The integer, where it is one from 0 on.
    public var unsigned: UInt64? { if case .unsigned(let value) = self { value } else { nil } }
    /// The elements, where it is an array.
    public var array: [Value]? { if case .array(let value) = self { value } else { nil } }
    /// The entries, where it is a map.
    public var map: Map? { if case .map(let value) = self { value } else { nil } }
    /// The bytes, where it is a bin.
    public var binary: [UInt8]? { if case .binary(let value) = self { value } else { nil } }

    /// The integer, where it is one that fits.
    public var signed: Int64? {
        switch self {
        case .unsigned(let value): Int64(exactly: value)
        case .negative(let value): value
        default: nil
        }
    }

    /// Whether it is nil.
    public var isNull: Bool { self == .null }

    /// What it is, for messages to people.
    public var kind: String {
        switch self {
        case .null: "nil"
        case .bool: "bool"
        case .unsigned, .negative: "int"
        case .double: "float"
        case .string: "str"
        case .binary: "bin"
        case .array: "array"
        case .map: "map"
        case .timestamp: "timestamp"
        case .extension: "ext"
        }
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, Value)...) {
        self = .map(Map(elements, uniquingKeysWith: { _, last in last }))
    }
    public init(nilLiteral: ()) { self = .null }
}
