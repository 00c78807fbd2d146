/// What a property query (HostComputeService D.8) asks for; nothing means the basic properties.
struct PropertyQuery: Decodable {
    let types: [String]?

    private enum CodingKeys: String, CodingKey {
        case types = "PropertyTypes"
    }

    /// That an unknown type makes the query of a compute system invalid is inference.
    func check() throws(HostFailure) {
        let known = ["Basic", "PendingUpdates", "Statistics", "ProcessList"]
        if let unknown = types?.first(where: { !known.contains($0) }) {
            throw .invalidDocument("PropertyTypes: '\(unknown)' is not known.")
        }
    }

    func asks(for type: String) -> Bool {
        types?.contains(type) ?? false
    }
}
