import ContainerProtocol

/// Who sends requests: a peer of this host, or the owner of a key.
final class Principal: Sendable {
    /// `local`, `uid:N`, or the name of a client's key file. It is the user id that ZAP gives.
    let name: String
    /// What it may do.
    let role: Role
    /// Whether it may subscribe to events.
    let mayFollowEvents: Bool
    /// Whether it may create containers from the host's profiles only, and run nothing else in them.
    let isBoundToProfiles: Bool
    /// When its last key expires, in seconds since 1970; nil where one never does.
    let expires: Int64?

    init(
        _ name: String, _ role: Role, mayFollowEvents: Bool = true, isBoundToProfiles: Bool = false,
        expires: Int64? = nil
    ) {
        self.name = name
        self.role = role
        self.mayFollowEvents = mayFollowEvents
        self.isBoundToProfiles = isBoundToProfiles
        self.expires = expires
    }

    /// The name of peers of this host that have no name of their own. No key file can have it.
    static let localName = "local"

    /// Whether it stands for all peers of this host. They share a principal, but not its limits.
    var isLocal: Bool { name == Principal.localName }

    /// Whose a `request_id` is. Local peers have the empty scope, under which journals have always kept theirs.
    var requestScope: String { isLocal ? "" : name }
}
