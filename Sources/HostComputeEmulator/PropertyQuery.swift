/// What a property query (HostComputeService D.8) asks for; nothing means the basic properties.
struct PropertyQuery: Decodable {
    let propertyTypes: [String]?

    /// That an unknown type makes the query of a compute system invalid is inference.
    func check() throws(HostFailure) {
        let known = ["Basic", "PendingUpdates", "Statistics", "ProcessList"]
        if let unknown = propertyTypes?.first(where: { !known.contains($0) }) {
            throw .invalidDocument("PropertyTypes: '\(unknown)' is not known.")
        }
    }

    func asks(for type: String) -> Bool {
        propertyTypes?.contains(type) ?? false
    }
}
