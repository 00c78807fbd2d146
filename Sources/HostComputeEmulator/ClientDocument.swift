import FoundationEssentials

/// Reads the JSON documents that clients send.
enum ClientDocument {
    // A decoder keeps nothing from one document to the next, so all threads share one.
    private static let decoder = JSONDecoder()

    /// Reads a document; a missing or empty one is an empty object (HostComputeService A.1, D.8).
    static func read<Document: Decodable>(
        _ document: Document.Type, _ text: String?
    ) throws(HostFailure) -> Document {
        let text = text ?? ""
        return try read(document, Data((text.isEmpty ? "{}" : text).utf8))
    }

    /// Reads JSON text.
    static func read<Document: Decodable>(
        _ document: Document.Type, _ text: Data
    ) throws(HostFailure) -> Document {
        do {
            return try decoder.decode(document, from: text)
        } catch let error as DecodingError {
            throw HostFailure(error)
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

extension HostFailure {
    /// What a decoder refuses, with the field where it knows it.
    fileprivate init(_ error: DecodingError) {
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            let place = HostFailure.place(context.codingPath) ?? "The document"
            self = .invalidDocument("\(place): \(HostFailure.words(type)) is expected.")
        case .dataCorrupted(let context), .keyNotFound(_, let context):
            let place = HostFailure.place(context.codingPath).map { "\($0): \(context.debugDescription)" }
            self = .invalidDocument(place ?? "The document is not valid JSON, or a number in it does not fit.")
        @unknown default: self = .invalidDocument("The document cannot be read: \(error).")
        }
    }

    private static func place(_ path: [any CodingKey]) -> String? {
        if path.isEmpty { return nil }
        return path.map { key in key.intValue.map { "entry \($0 + 1)" } ?? key.stringValue }.joined(separator: ", ")
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
