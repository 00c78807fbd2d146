extension Value {
    /// This value with `patch` applied to it as a JSON Merge Patch (RFC 7396): maps merge key by key, nil removes a key,
    /// everything else replaces.
    public func merging(_ patch: Value) -> Value {
        guard case .map(let changes) = patch else { return patch }
        var result: Map = self.map ?? [:]
        for (key, change) in changes {
            if change.isNull {
                result.removeValue(forKey: key)
            } else {
                result[key] = (result[key] ?? .null).merging(change)
            }
        }
        return .map(result)
    }

    /// This value with every string in it, keys excepted, passed through `transform`.
    public func mappingStrings(_ transform: (String) -> String) -> Value {
        switch self {
        case .string(let text): .string(transform(text))
        case .array(let elements): .array(elements.map { $0.mappingStrings(transform) })
        case .map(let map): .map(map.mapValues { $0.mappingStrings(transform) })
        default: self
        }
    }
}
