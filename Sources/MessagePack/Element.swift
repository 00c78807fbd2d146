import CMessagePack

/// A decoded object, still in msgpack-c's arena and in the bytes it was decoded from.
///
/// Valid only inside the closure that ``Reader/read(_:_:)`` lent it to.
public struct Element {
    private let object: UnsafePointer<msgpack_object>

    init(_ object: UnsafePointer<msgpack_object>) { self.object = object }

    /// What an object is, for messages to people.
    public var kind: String {
        switch object.pointee.type {
        case MSGPACK_OBJECT_NIL: "nil"
        case MSGPACK_OBJECT_BOOLEAN: "bool"
        case MSGPACK_OBJECT_POSITIVE_INTEGER, MSGPACK_OBJECT_NEGATIVE_INTEGER: "int"
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: "float"
        case MSGPACK_OBJECT_STR: "str"
        case MSGPACK_OBJECT_BIN: "bin"
        case MSGPACK_OBJECT_ARRAY: "array"
        case MSGPACK_OBJECT_MAP: "map"
        default: "ext"
        }
    }

    /// Whether it is nil.
    public var isNil: Bool { object.pointee.type == MSGPACK_OBJECT_NIL }

    /// The bool, where it is one.
    public var bool: Bool? {
        object.pointee.type == MSGPACK_OBJECT_BOOLEAN ? object.pointee.via.boolean : nil
    }

    /// The integer, where it is one and not negative. A float is not an integer.
    public var unsigned: UInt64? {
        object.pointee.type == MSGPACK_OBJECT_POSITIVE_INTEGER ? object.pointee.via.u64 : nil
    }

    /// The integer, where it is one that fits. A float is not an integer.
    public var signed: Int64? {
        switch object.pointee.type {
        case MSGPACK_OBJECT_POSITIVE_INTEGER: Int64(exactly: object.pointee.via.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: object.pointee.via.i64
        default: nil
        }
    }

    /// The text, where it is a str.
    public var string: String? {
        guard let bytes = utf8 else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bytes of the text, where it is a str; the scanner has seen that they are UTF-8.
    public var utf8: UnsafeRawBufferPointer? {
        guard object.pointee.type == MSGPACK_OBJECT_STR else { return nil }
        let text = object.pointee.via.str
        return UnsafeRawBufferPointer(start: text.ptr, count: Int(text.size))
    }

    /// The bytes, where it is a bin.
    public var binary: UnsafeRawBufferPointer? {
        guard object.pointee.type == MSGPACK_OBJECT_BIN else { return nil }
        let binary = object.pointee.via.bin
        return UnsafeRawBufferPointer(start: binary.ptr, count: Int(binary.size))
    }

    /// How many elements an array has; nil where it is none.
    public var arrayCount: Int? {
        object.pointee.type == MSGPACK_OBJECT_ARRAY ? Int(object.pointee.via.array.size) : nil
    }

    /// How many entries a map has; nil where it is none.
    public var mapCount: Int? {
        object.pointee.type == MSGPACK_OBJECT_MAP ? Int(object.pointee.via.map.size) : nil
    }

    /// The element at `index` of an array, which must have it.
    public subscript(index: Int) -> Element { Element(object.pointee.via.array.ptr + index) }

    /// The key and the value at `index` of a map, which must have it.
    public func entry(_ index: Int) -> (key: Element, value: Element) {
        let entry = object.pointee.via.map.ptr + index
        // The value follows the key in memory: `struct { key; val; }`, both msgpack_object.
        let key = UnsafeRawPointer(entry).assumingMemoryBound(to: msgpack_object.self)
        return (Element(key), Element(key + 1))
    }

    /// Copies it out of the arena.
    public func value() throws(MessageError) -> Value {
        switch object.pointee.type {
        case MSGPACK_OBJECT_NIL: return .null
        case MSGPACK_OBJECT_BOOLEAN: return .bool(object.pointee.via.boolean)
        case MSGPACK_OBJECT_POSITIVE_INTEGER: return .unsigned(object.pointee.via.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: return .negative(object.pointee.via.i64)
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: return .double(object.pointee.via.f64)
        case MSGPACK_OBJECT_STR: return .string(string ?? "")
        case MSGPACK_OBJECT_BIN: return .binary(binary.map { Array($0) } ?? [])
        case MSGPACK_OBJECT_ARRAY:
            var elements: [Value] = []
            elements.reserveCapacity(arrayCount ?? 0)
            for index in 0..<(arrayCount ?? 0) { elements.append(try self[index].value()) }
            return .array(elements)
        case MSGPACK_OBJECT_MAP:
            var map = Value.Map(minimumCapacity: mapCount ?? 0)
            for index in 0..<(mapCount ?? 0) {
                let (key, value) = entry(index)
                map[key.string ?? ""] = try value.value()
            }
            return .map(map)
        default: return try extensionValue()
        }
    }

    private func extensionValue() throws(MessageError) -> Value {
        let ext = object.pointee.via.ext
        let bytes = UnsafeRawBufferPointer(start: ext.ptr, count: Int(ext.size))
        guard ext.type == Element.timestampType else {
            return .extension(type: ext.type, Array(bytes))
        }
        guard let timestamp = Element.timestamp(bytes) else {
            throw MessageError("a timestamp must have 4, 8 or 12 bytes and less than 1,000,000,000 nanoseconds")
        }
        return timestamp
    }

    /// Throws where a map in it, at any depth, holds a key twice.
    func checkKeys() throws(MessageError) {
        if let count = arrayCount {
            for index in 0..<count { try self[index].checkKeys() }
        } else if let count = mapCount {
            try checkOwnKeys(count)
            for index in 0..<count { try entry(index).value.checkKeys() }
        }
    }

    private func checkOwnKeys(_ count: Int) throws(MessageError) {
        guard count > 1 else { return }
        // The few keys of an ordinary map are compared pairwise; a large map would make that quadratic.
        if count <= 16 {
            for index in 1..<count {
                let key = entry(index).key
                for earlier in 0..<index where entry(earlier).key.isSameKey(as: key) { throw Element.duplicate(key) }
            }
        } else {
            var seen = Set<String>(minimumCapacity: count)
            for index in 0..<count {
                let key = entry(index).key
                guard seen.insert(key.string ?? "").inserted else { throw Element.duplicate(key) }
            }
        }
    }

    /// Keys are the same where Swift's strings are: by canonical equivalence, as in the dictionaries they end up in.
    private func isSameKey(as other: Element) -> Bool {
        guard let left = utf8, let right = other.utf8 else { return false }
        if left.elementsEqual(right) { return true }
        return !left.allSatisfy { $0 < 0x80 } && string == other.string
    }

    private static func duplicate(_ key: Element) -> MessageError {
        MessageError("the key \"\(Excerpt(key.string ?? ""))\" stands twice in one map")
    }
}
