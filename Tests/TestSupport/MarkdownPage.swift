public import Foundation

/// A page of the documentation, whose tables a test holds to the code.
public struct MarkdownPage {
    /// The page's text.
    public let text: String
    private let lines: [Substring]

    /// Reads the page at `path` below the checkout's folder.
    public init(_ path: String) throws {
        text = try String(contentsOf: MarkdownPage.checkout.appendingPathComponent(path), encoding: .utf8)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The folder of the checkout.
    public static var checkout: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// The rows of the first table below `heading`, without its head; empty where there is none.
    public func table(_ heading: String) -> [[String]] {
        guard let start = lines.firstIndex(where: { $0.hasPrefix("#") && $0.drop { "# ".contains($0) } == heading })
        else { return [] }
        let rows = lines[(start + 1)...].prefix { !$0.hasPrefix("#") }.drop { !$0.hasPrefix("|") }
            .prefix { $0.hasPrefix("|") }
        return rows.dropFirst(2).map { row in
            row.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// The first cells of that table, without backticks.
    public func names(_ heading: String) -> [String] {
        table(heading).compactMap { $0.first?.replacing("`", with: "") }
    }
}
