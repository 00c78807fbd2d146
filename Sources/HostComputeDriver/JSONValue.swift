/// A value of a document that HCS answered with.
///
/// Keys are compared as they are written; missing fields and fields of another type read as nil, because HCS leaves out
/// what it does not know and older builds know less.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits.
    case integer(Int64)
    /// A number above what `integer` holds.
    case unsigned(UInt64)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Nil where `text` is not one JSON value.
    init?(parsing text: String) {
        var parser = JSONParser(Array(text.utf8))
        guard let value = parser.document() else { return nil }
        self = value
    }

    subscript(key: String) -> JSONValue? {
        if case .object(let fields) = self { fields[key] } else { nil }
    }

    var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    var int64: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    var uint64: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }

    var uint32: UInt32? { uint64.flatMap { UInt32(exactly: $0) } }
}
