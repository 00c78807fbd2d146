import ContainerModel
package import ContainerProtocol
package import ZeroMQ

/// The file of a client's public key, in the directory of those that may come in: `NAME.key`, or `NAME+2.key` for a further
/// key of the same principal. What it may do stands in the file's metadata.
package struct ClientFile: Sendable {
    /// What a principal may do.
    package struct Rights: Sendable, Equatable {
        package var role: Role
        /// `events = no` takes it away.
        package var mayFollowEvents = true
        /// `profiles_only = yes`.
        package var isBoundToProfiles = false

        package init(role: Role) { self.role = role }
    }

    /// Why a file cannot be used: one sentence without a subject.
    package struct Unusable: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    package let fileName: String
    package let key: CurveKey
    /// Nil where the file has no role: another file of the same principal then says it.
    package let rights: Rights?
    /// When the key expires, in seconds since 1970.
    package let expires: Int64?
    /// Free text of the operator.
    package let comment: String?

    /// The end of the name of every client's file.
    package static let suffix = ".key"

    /// Reads the text of a file.
    package init(fileName: String, _ text: String) throws(Unusable) {
        guard ClientFile.principal(of: fileName) != nil else {
            throw Unusable(
                description:
                    "its name is no principal's: write NAME.key or NAME+2.key, where NAME has up to 64 of A-Z a-z 0-9 _ . - "
                    + "and is not \"\(Principal.localName)\"")
        }
        let certificate: Certificate
        do {
            certificate = try Certificate(text)
        } catch {
            throw Unusable(description: error.description)
        }
        guard certificate.secretKey == nil else {
            throw Unusable(
                description: "it holds a secret key, which belongs to the client alone: put the public file here")
        }
        self.fileName = fileName
        key = certificate.publicKey
        let metadata = certificate.metadata
        rights = try ClientFile.rights(metadata)
        expires = try metadata["expires"].map { text throws(Unusable) in
            guard let time = Timestamp(rfc3339: text) else {
                throw Unusable(description: "its expires is no time such as 2027-01-31T12:00:00Z")
            }
            return time.seconds
        }
        comment = metadata["comment"]
    }

    private static func rights(_ metadata: [String: String]) throws(Unusable) -> Rights? {
        guard let text = metadata["role"] else { return nil }
        guard let role = Role(rawValue: text) else {
            let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw Unusable(description: "its role is none of \(roles)")
        }
        var rights = Rights(role: role)
        rights.mayFollowEvents = try answer("events", metadata) ?? true
        rights.isBoundToProfiles = try answer("profiles_only", metadata) ?? false
        return rights
    }

    private static func answer(_ name: String, _ metadata: [String: String]) throws(Unusable) -> Bool? {
        switch metadata[name] {
        case nil: nil
        case "yes", "true": true
        case "no", "false": false
        default: throw Unusable(description: "its \(name) must be yes or no")
        }
    }

    /// The principal that a file is of; nil where the name is none.
    package static func principal(of fileName: String) -> String? {
        guard fileName.hasSuffix(suffix) else { return nil }
        let parts = fileName.dropLast(suffix.count).split(separator: "+", omittingEmptySubsequences: false)
        guard let name = parts.first, parts.count <= 2, isName(name) else { return nil }
        if parts.count == 2, parts[1].isEmpty || !parts[1].allSatisfy(\.isNumber) { return nil }
        return String(name)
    }

    /// The principal that the file is of.
    package var principal: String { ClientFile.principal(of: fileName) ?? fileName }

    /// Whether a text can be a principal's name.
    package static func isName(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first), text.utf8.count <= 64 else { return false }
        guard text != Principal.localName else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || [UInt8(ascii: "_"), 0x2E, 0x2D].contains($0) }
    }

    private static func isAlphanumeric(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
