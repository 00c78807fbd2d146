/// The beginning of a peer's text, fit to be quoted in a message to people.
///
/// It has at most 64 Unicode scalars, since one character may be as long as a whole body, and then an ellipsis. Control
/// characters are escaped, so that no message moves the cursor of a terminal.
public struct Excerpt: Sendable, CustomStringConvertible {
    /// The most scalars.
    public static let limit = 64

    public let description: String

    /// Quotes `text`.
    public init(_ text: String) {
        let scalars = text.unicodeScalars
        var excerpt = ""
        for scalar in scalars.prefix(Excerpt.limit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: excerpt += scalar.escaped(asASCII: true)
            default: excerpt.unicodeScalars.append(scalar)
            }
        }
        description = scalars.dropFirst(Excerpt.limit).isEmpty ? excerpt : excerpt + "…"
    }
}
