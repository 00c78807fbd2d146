/// What a property query (hcs-reference D.8) asks for; nothing means the basic properties.
struct PropertyQuery {
    let pendingUpdates: Bool
    let statistics: Bool
    let processList: Bool

    /// That an unknown type makes the query invalid is inference.
    init(_ query: JSONValue) throws(HostFailure) {
        let types = try query.strings("PropertyTypes")
        if let unknown = types.first(where: { !["Basic", "PendingUpdates", "Statistics", "ProcessList"].contains($0) })
        {
            throw .invalidDocument("PropertyTypes: '\(unknown)' is not known.")
        }
        pendingUpdates = types.contains("PendingUpdates")
        statistics = types.contains("Statistics")
        processList = types.contains("ProcessList")
    }
}
