import MessagePack

/// `--user`: a name, or UID[:GID]. Pure.
struct UserArgument: Sendable, Equatable {
    let text: String

    /// `process.user`. A number is the id itself, and the group is 0 where none is named, as root's is.
    var value: Value {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let ids = parts.map { UInt32($0) }
        guard (1...2).contains(ids.count), let uid = ids[0], let gid = ids.count == 2 ? ids[1] : 0 else {
            return ["username": .string(text)]
        }
        return ["uid": .unsigned(UInt64(uid)), "gid": .unsigned(UInt64(gid))]
    }
}
