import Foundation

/// A key and its metadata, in the form of files that czmq and pyzmq read and write (ZPL, ZeroMQ RFC 4).
///
///     metadata
///         role = "scheduler"
///     curve
///         public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
///
/// Any indentation makes a line part of the section before it. Values stand in quotes or without any.
public struct Certificate: Sendable, Equatable {
    /// Metadata of the key, by name.
    public var metadata: [String: String] = [:]
    /// The public key.
    public var publicKey: CurveKey
    /// The secret key, in files that only its owner may read.
    public var secretKey: CurveKey?

    /// Why a text is no certificate: one sentence without a subject.
    public struct Unreadable: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// The longest text that is read: no certificate has more bytes.
    public static let longestText = 64 * 1024

    /// A certificate of a public key.
    public init(publicKey: CurveKey, secretKey: CurveKey? = nil, metadata: [String: String] = [:]) {
        self.publicKey = publicKey
        self.secretKey = secretKey
        self.metadata = metadata
    }

    /// Reads a certificate: ZPL, or just a public key in Z85 or hexadecimal.
    public init(_ text: String) throws(Unreadable) {
        let plain = text.split(whereSeparator: \.isWhitespace)
        if plain.count == 1, let key = CurveKey(String(plain[0])) {
            self.init(publicKey: key)
            return
        }
        var metadata: [String: String] = [:]
        var keys: [String: CurveKey] = [:]
        var section = ""
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let entry = try Certificate.entry(line, number: index + 1) else { continue }
            switch (entry, section) {
            case (.section(let name), _): section = name
            case (.value(let name, let value), "metadata"): metadata[name] = value
            case (.value(let name, let value), "curve") where name == "public-key" || name == "secret-key":
                guard let key = CurveKey(value) else {
                    throw Unreadable(
                        description: "line \(index + 1) has no key of 40 characters in Z85 or 64 hex digits")
                }
                keys[name] = key
            case (.value, _): break
            }
        }
        guard let publicKey = keys["public-key"] else {
            throw Unreadable(description: "it has no public-key in a section \"curve\"")
        }
        self.init(publicKey: publicKey, secretKey: keys["secret-key"], metadata: metadata)
    }

    private enum Entry {
        case section(String)
        case value(name: String, String)
    }

    /// The content of a line; nil if it is empty or a comment.
    private static func entry(_ line: Substring, number: Int) throws(Unreadable) -> Entry? {
        let content = line.drop { $0.isWhitespace }
        guard let first = content.first, first != "#" else { return nil }
        guard let equals = content.firstIndex(of: "=") else {
            guard content.startIndex == line.startIndex else { return nil }
            return .section(String(content.filter { !$0.isWhitespace }))
        }
        let name = String(content[..<equals].filter { !$0.isWhitespace })
        let value = content[content.index(after: equals)...].drop { $0.isWhitespace }
        if let quote = value.first, quote == "\"" || quote == "'" {
            let inner = value.dropFirst()
            guard let end = inner.firstIndex(of: quote) else {
                throw Unreadable(description: "line \(number) has no closing quote")
            }
            return .value(name: name, String(inner[..<end]))
        }
        // A Z85 key may contain a `#`: a comment begins only behind white space.
        var text = String(value)
        if let comment = text.range(of: " #") { text = String(text[..<comment.lowerBound]) }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return .value(name: name, text)
    }

    /// The certificate as a text.
    public var text: String {
        var lines = ["metadata"]
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { lines.append("    \(name) = \"\(value)\"") }
        lines.append("curve")
        lines.append("    public-key = \"\(publicKey.z85)\"")
        if let secretKey { lines.append("    secret-key = \"\(secretKey.z85)\"") }
        return lines.joined(separator: "\n") + "\n"
    }
}
