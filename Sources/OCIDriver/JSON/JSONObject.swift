/// A JSON object that keeps its keys in their order.
struct JSONObject: Equatable, Sendable {
    private(set) var keys: [String] = []
    private var values: [String: JSON] = [:]

    init() {}

    var isEmpty: Bool { keys.isEmpty }

    /// A key without a value is removed.
    subscript(key: String) -> JSON? {
        get { values[key] }
        set {
            guard let newValue else {
                if values.removeValue(forKey: key) != nil { keys.removeAll { $0 == key } }
                return
            }
            if values.updateValue(newValue, forKey: key) == nil { keys.append(key) }
        }
    }

    /// The object under `key`, which is made where there is none.
    subscript(object key: String) -> JSONObject {
        get { values[key]?.object ?? JSONObject() }
        set { self[key] = .object(newValue) }
    }
}
