/// A parsed JSON document, with accessors that name the field they refuse.
enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([(key: String, value: JSONValue)])

    /// The member `key`: the last one of that name, and nil for an absent or null one.
    subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self, let member = members.last(where: { $0.key == key }) else { return nil }
        if case .null = member.value { return nil }
        return member.value
    }

    func string(_ key: String) throws(HostFailure) -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let text) = value else { throw .invalidDocument("\(key): a string is expected.") }
        return text
    }

    func bool(_ key: String) throws(HostFailure) -> Bool {
        guard let value = self[key] else { return false }
        guard case .bool(let flag) = value else { throw .invalidDocument("\(key): true or false is expected.") }
        return flag
    }

    func integer(_ key: String, in range: ClosedRange<Int64>) throws(HostFailure) -> Int64? {
        guard let value = self[key] else { return nil }
        guard case .integer(let number) = value, range.contains(number) else {
            throw .invalidDocument("\(key): an integer from \(range.lowerBound) to \(range.upperBound) is expected.")
        }
        return number
    }

    func array(_ key: String) throws(HostFailure) -> [JSONValue] {
        guard let value = self[key] else { return [] }
        guard case .array(let elements) = value else { throw .invalidDocument("\(key): an array is expected.") }
        return elements
    }

    func strings(_ key: String) throws(HostFailure) -> [String] {
        try array(key).map { (element) throws(HostFailure) -> String in
            guard case .string(let text) = element else {
                throw .invalidDocument("\(key): an array of strings is expected.")
            }
            return text
        }
    }

    func members(_ key: String) throws(HostFailure) -> [(key: String, value: JSONValue)] {
        guard let value = self[key] else { return [] }
        guard case .object(let members) = value else { throw .invalidDocument("\(key): an object is expected.") }
        return members
    }
}
