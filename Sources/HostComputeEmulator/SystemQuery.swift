/// An enumeration query (hcs-reference D.10): lists combine with AND, values within a list with OR [inf].
struct SystemQuery {
    private let ids: [String]
    private let types: [String]
    private let names: [String]
    private let owners: [String]

    init(_ query: JSONValue) throws(HostFailure) {
        ids = try query.strings("Ids")
        types = try query.strings("Types")
        names = try query.strings("Names")
        owners = try query.strings("Owners")
    }

    func matches(_ system: ComputeSystem) -> Bool {
        (ids.isEmpty || ids.contains(system.id))
            && (types.isEmpty || types.contains("Container"))
            && (names.isEmpty || names.contains(system.document.name))
            && (owners.isEmpty || owners.contains(system.document.owner))
    }
}
