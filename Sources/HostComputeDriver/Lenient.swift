/// A field that reads as nil where it is missing, null, of another type or out of range, because HCS leaves out what it
/// does not know and older builds know less: one field must not cost the document.
@propertyWrapper
struct Lenient<Value: Decodable>: Decodable {
    var wrappedValue: Value?

    init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    init(from decoder: any Decoder) { wrappedValue = try? Value(from: decoder) }
}

extension KeyedDecodingContainer {
    /// What a compiler-made `init(from:)` calls for a lenient field.
    func decode<Value>(_ field: Lenient<Value>.Type, forKey key: Key) throws -> Lenient<Value> {
        try decodeIfPresent(field, forKey: key) ?? Lenient(wrappedValue: nil)
    }
}
