import ContainerProtocol
import ZeroMQ

/// Who may come in, by key and by name. Pure: made from files that were read, and replaced as a whole.
struct PrincipalTable: Sendable {
    /// What a key is good for.
    struct Grant: Sendable {
        let principal: Principal
        /// When the key expires, in seconds since 1970.
        let expires: Int64?
    }

    private(set) var principals: [String: Principal] = [:]
    private(set) var grants: [CurveKey: Grant] = [:]
    /// Files that cannot be used, by name, and why.
    private(set) var broken: [String: String] = [:]

    /// An empty table.
    init() {}

    /// Makes the table of the files of a directory.
    /// - Parameter broken: files that could not be read, and why.
    init(_ files: [ClientFile], broken: [String: String]) {
        self.broken = broken
        let byKey = Dictionary(grouping: files, by: \.key)
        var usable: [ClientFile] = []
        // NAME.key comes before NAME+2.key: a further key has to agree with the first.
        let inOrder = files.sorted { ($0.fileName.utf8.count, $0.fileName) < ($1.fileName.utf8.count, $1.fileName) }
        for file in inOrder {
            let others = (byKey[file.key] ?? []).map(\.fileName).filter { $0 != file.fileName }
            if others.isEmpty {
                usable.append(file)
            } else {
                self.broken[file.fileName] = "its key is in \(others.sorted().joined(separator: ", ")) too"
            }
        }
        for (name, all) in Dictionary(grouping: usable, by: \.principal) { add(name, all) }
    }

    /// Adds the files of one principal; each has a key of its own, and the first says what the principal may do.
    private mutating func add(_ name: String, _ files: [ClientFile]) {
        guard let first = files.first(where: { $0.rights != nil }), let rights = first.rights else {
            for file in files { broken[file.fileName] = "it has no role" }
            return
        }
        let agreeing = files.filter { file in
            guard file.rights == nil || file.rights == rights else {
                broken[file.fileName] = "it gives other rights than \(first.fileName)"
                return false
            }
            return true
        }
        let expirations = agreeing.map(\.expires)
        let principal = Principal(
            name, rights.role, mayFollowEvents: rights.mayFollowEvents, isBoundToProfiles: rights.isBoundToProfiles,
            expires: expirations.contains(nil) ? nil : expirations.compactMap { $0 }.max())
        principals[name] = principal
        for file in agreeing { grants[file.key] = Grant(principal: principal, expires: file.expires) }
    }

    /// What became other than in `old`.
    func changes(since old: PrincipalTable) -> Changes {
        var changes = Changes()
        for (name, principal) in principals {
            if let before = old.principals[name] {
                if !principal.hasSameRights(as: before) || keys(of: name) != old.keys(of: name) {
                    changes.changed.append(name)
                }
            } else {
                changes.added.append(name)
            }
        }
        changes.removed = old.principals.keys.filter { principals[$0] == nil }
        return changes
    }

    /// The keys of a principal.
    func keys(of name: String) -> Set<CurveKey> { Set(grants.filter { $0.value.principal.name == name }.keys) }

    /// Principals that are new, gone, or have other rights or keys.
    struct Changes: Sendable {
        var added: [String] = []
        var removed: [String] = []
        var changed: [String] = []
        var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
    }
}

extension Principal {
    fileprivate func hasSameRights(as other: Principal) -> Bool {
        role == other.role && mayFollowEvents == other.mayFollowEvents && isBoundToProfiles == other.isBoundToProfiles
            && expires == other.expires
    }
}
