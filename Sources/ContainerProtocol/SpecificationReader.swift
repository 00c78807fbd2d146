import MessagePack

/// Reads OCI objects from values, naming what is wrong by its path and listing what nothing honours.
struct SpecificationReader {
    /// Keys that were found and that this worker has no use for.
    private(set) var ignored = IgnoredKeys()

    /// One object of a specification, whose keys are taken one by one.
    struct Object {
        let path: String
        var rest: Value.Map

        func path(_ key: String) -> String { "\(path).\(key)" }
    }

    /// Begins to read `value`, which must be a map.
    func open(_ value: Value, _ path: String) throws(Failure) -> Object {
        guard case .map(let map) = value else {
            throw .invalidArgument("\(path) must be a map, not \(value.kind)")
        }
        return Object(path: path, rest: map)
    }

    /// Notes the keys that were not taken.
    mutating func close(_ object: Object) { ignored.add(object) }

    /// Takes the map under `key`.
    func child(_ key: String, of object: inout Object) throws(Failure) -> Object? {
        guard let value = take(key, &object) else { return nil }
        return try open(value, object.path(key))
    }

    func string(_ key: String, of object: inout Object) throws(Failure) -> String? {
        guard let value = take(key, &object) else { return nil }
        return try text(value, object.path(key))
    }

    /// An object as its JSON in text, or the text as it was given.
    func json(_ key: String, of object: inout Object) throws(Failure) -> String? {
        guard let value = take(key, &object) else { return nil }
        let path = object.path(key)
        if value.string != nil { return try text(value, path) }
        guard value.map != nil else {
            throw .invalidArgument("\(path) must be an object, or its JSON as a str, not \(value.kind)")
        }
        guard let json = JSONText(value) else {
            throw .invalidArgument("\(path) holds a value that JSON has no form for: bin, a timestamp or an extension")
        }
        return json.text
    }

    /// A whole object as its JSON.
    static func document(_ value: Value, _ path: String) throws(Failure) -> String {
        guard let json = JSONText(value) else {
            throw .invalidArgument("\(path) holds a value that JSON has no form for: bin, a timestamp or an extension")
        }
        return json.text
    }

    func strings(_ key: String, of object: inout Object) throws(Failure) -> [String]? {
        guard let value = take(key, &object) else { return nil }
        let path = object.path(key)
        var texts: [String] = []
        for (index, element) in try array(value, path).enumerated() {
            texts.append(try text(element, path, at: index))
        }
        return texts
    }

    func objects(_ key: String, of object: inout Object) throws(Failure) -> [Object] {
        guard let value = take(key, &object) else { return [] }
        let path = object.path(key)
        var objects: [Object] = []
        for (index, element) in try array(value, path).enumerated() {
            objects.append(try open(element, "\(path)[\(index)]"))
        }
        return objects
    }

    func bool(_ key: String, of object: inout Object) throws(Failure) -> Bool? {
        guard let value = take(key, &object) else { return nil }
        guard let bool = value.bool else {
            throw .invalidArgument("\(object.path(key)) must be a bool, not \(value.kind)")
        }
        return bool
    }

    func unsigned(_ key: String, of object: inout Object, in range: ClosedRange<UInt64> = 0...UInt64.max)
        throws(Failure)
        -> UInt64?
    {
        guard let value = take(key, &object) else { return nil }
        guard let number = value.unsigned, range.contains(number) else {
            throw .invalidArgument(
                "\(object.path(key)) must be an int from \(range.lowerBound) to \(range.upperBound), not \(value.brief)"
            )
        }
        return number
    }

    func signed(_ key: String, of object: inout Object) throws(Failure) -> Int64? {
        guard let value = take(key, &object) else { return nil }
        guard let number = value.signed else {
            throw .invalidArgument("\(object.path(key)) must be an int, not \(value.brief)")
        }
        return number
    }

    /// Takes the value under `key`; nil stands for absence.
    func take(_ key: String, _ object: inout Object) -> Value? {
        guard let value = object.rest.removeValue(forKey: key), !value.isNull else { return nil }
        return value
    }

    private func array(_ value: Value, _ path: String) throws(Failure) -> [Value] {
        guard let array = value.array else { throw .invalidArgument("\(path) must be an array, not \(value.kind)") }
        return array
    }

    private func text(_ value: Value, _ path: String, at index: Int? = nil) throws(Failure) -> String {
        // Paths are built for errors only: an array may have very many texts.
        func place() -> String { index.map { "\(path)[\($0)]" } ?? path }
        guard let text = value.string else { throw .invalidArgument("\(place()) must be a str, not \(value.kind)") }
        guard !text.utf8.contains(0) else { throw .invalidArgument("\(place()) must not contain a NUL") }
        return text
    }
}

extension Value {
    /// A number as it is, anything else by its kind.
    fileprivate var brief: String {
        switch self {
        case .unsigned(let number): String(number)
        case .negative(let number): String(number)
        default: kind
        }
    }
}
