/// An enumeration query (HostComputeService D.10): lists combine with AND, values within a list with OR [inf].
struct SystemQuery: Decodable {
    private let ids: [String]?
    private let types: [String]?
    private let names: [String]?
    private let owners: [String]?

    func matches(_ system: EmulatedSystem) -> Bool {
        SystemQuery.holds(ids, system.id) && SystemQuery.holds(types, "Container")
            && SystemQuery.holds(names, system.document.name) && SystemQuery.holds(owners, system.document.owner)
    }

    /// An empty list is one that was left out.
    private static func holds(_ list: [String]?, _ value: String) -> Bool {
        guard let list, !list.isEmpty else { return true }
        return list.contains(value)
    }
}
