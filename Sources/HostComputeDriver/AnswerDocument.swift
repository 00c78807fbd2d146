import FoundationEssentials

/// Reads the JSON documents that HCS answers with.
enum AnswerDocument {
    // A decoder keeps nothing from one document to the next, so all threads share one.
    private static let decoder = JSONDecoder()

    /// Nil where `text` is not one JSON value of the document's kind.
    static func read<Document: Decodable>(_ document: Document.Type, _ text: String) -> Document? {
        try? decoder.decode(document, from: Data(text.utf8))
    }
}
