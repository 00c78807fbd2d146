import FoundationEssentials

/// Reads the JSON documents that clients send.
enum ClientDocument {
    // A decoder keeps nothing from one document to the next, so all threads share one.
    private static let decoder = JSONDecoder()
    /// Documents of HCS name their fields as our structs do, but for the first letter: `CommandLine`, and `ID`.
    private static let hostDecoder = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            let name = path.last?.stringValue ?? ""
            return DocumentKey(name == "ID" ? "id" : name.prefix(1).lowercased() + name.dropFirst())
        }
        return decoder
    }()

    /// Reads a document; a missing or empty one is an empty object (HostComputeService A.1, D.8).
    static func read<Document: Decodable>(
        _ document: Document.Type, _ text: String?
    ) throws(HostFailure) -> Document {
        let text = text ?? ""
        return try read(document, Data((text.isEmpty ? "{}" : text).utf8), hostDecoder) { name in
            name.prefix(1).uppercased() + name.dropFirst()
        }
    }

    /// Reads JSON text whose fields are named as the struct's keys.
    static func read<Document: Decodable>(
        _ document: Document.Type, _ text: Data
    ) throws(HostFailure) -> Document {
        try read(document, text, decoder) { $0 }
    }

    /// - Parameter written: a key's name as the document has it.
    private static func read<Document: Decodable>(
        _ document: Document.Type, _ text: Data, _ decoder: JSONDecoder, _ written: (String) -> String
    ) throws(HostFailure) -> Document {
        do {
            return try decoder.decode(document, from: text)
        } catch let error as DecodingError {
            throw HostFailure(error, written)
        } catch {
            throw .invalidDocument("The document cannot be read: \(error).")
        }
    }

    /// A number of a document, which must be in `range` where it is there.
    static func check(
        _ number: Int64?, _ name: StaticString, in range: ClosedRange<Int64>
    ) throws(HostFailure) -> Int64? {
        if let number, !range.contains(number) {
            throw .invalidDocument("\(name): an integer from \(range.lowerBound) to \(range.upperBound) is expected.")
        }
        return number
    }
}

/// The name of a field, whatever it is.
struct DocumentKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension HostFailure {
    /// What a decoder refuses, with the field where it knows it.
    fileprivate init(_ error: DecodingError, _ written: (String) -> String) {
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            let place = HostFailure.place(context.codingPath, written) ?? "The document"
            self = .invalidDocument("\(place): \(HostFailure.words(type)) is expected.")
        case .dataCorrupted(let context), .keyNotFound(_, let context):
            let place = HostFailure.place(context.codingPath, written).map { "\($0): \(context.debugDescription)" }
            self = .invalidDocument(place ?? "The document is not valid JSON, or a number in it does not fit.")
        @unknown default: self = .invalidDocument("The document cannot be read: \(error).")
        }
    }

    private static func place(_ path: [any CodingKey], _ written: (String) -> String) -> String? {
        if path.isEmpty { return nil }
        let names = path.map { key in key.intValue.map { "entry \($0 + 1)" } ?? written(key.stringValue) }
        return names.joined(separator: ", ")
    }

    private static func words(_ type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "an integer"
        case is any ExpressibleByArrayLiteral.Type: "an array"
        default: "an object"
        }
    }
}
