import ContainerModel
import MessagePack

/// The one map of a request's `params`, read key by key.
///
/// Every key is asked for by name and type; what is left over at the end is a key that the method does not know, and a
/// typo must not be silently ignored.
struct Parameters {
    private let method: String
    private let map: Element?
    private let count: Int
    /// One bit per entry that was asked for; a method has fewer keys than bits.
    private var seen: UInt64 = 0

    /// - Parameter params: the request's fourth element.
    init(method: String, params: Element) throws {
        self.method = method
        guard let elements = params.arrayCount else {
            throw Failure.invalidArgument("params of \(method) must be an array of at most one map, not \(params.kind)")
        }
        guard elements <= 1 else {
            throw Failure.invalidArgument("params of \(method) must hold at most one map, not \(elements) objects")
        }
        guard elements == 1 else {
            map = nil
            count = 0
            return
        }
        guard let entries = params[0].mapCount else {
            throw Failure.invalidArgument("params of \(method) must hold a map, not \(params[0].kind)")
        }
        guard Bounds.keys.contains(entries) else {
            throw Failure.invalidArgument("params of \(method) has \(entries) keys; no method knows so many")
        }
        map = params[0]
        count = entries
    }

    /// The value under `key`, where there is one; nil stands for absence.
    mutating func optional(_ key: StaticString) -> Element? {
        guard let map else { return nil }
        return key.withUTF8Buffer { name in
            for index in 0..<count {
                let entry = map.entry(index)
                guard let bytes = entry.key.utf8, bytes.elementsEqual(name) else { continue }
                seen |= 1 << UInt64(index)
                return entry.value.isNil ? nil : entry.value
            }
            return nil
        }
    }

    mutating func required(_ key: StaticString) throws -> Element {
        guard let element = optional(key) else {
            throw Failure.invalidArgument("\(method) needs the key \"\(key)\"")
        }
        return element
    }

    func wrong(_ key: StaticString, _ element: Element, _ expected: String) -> Failure {
        .invalidArgument("\"\(key)\" of \(method) must be \(expected), not \(element.kind)")
    }

    mutating func string(_ key: StaticString) throws -> String? {
        guard let element = optional(key) else { return nil }
        guard let text = element.string else { throw wrong(key, element, "a str") }
        try checkNUL(text, key)
        return text
    }

    /// A text whose length in bytes is within `range`.
    mutating func string(_ key: StaticString, bytes range: ClosedRange<Int>) throws -> String? {
        guard let text = try string(key) else { return nil }
        guard range.contains(text.utf8.count) else {
            throw Failure.invalidArgument(
                "\"\(key)\" of \(method) has \(text.utf8.count) bytes, outside \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return text
    }

    private func checkNUL(_ text: String, _ key: StaticString) throws {
        guard !text.utf8.contains(0) else {
            throw Failure.invalidArgument("\"\(key)\" of \(method) must not contain a NUL")
        }
    }

    mutating func bool(_ key: StaticString, default fallback: Bool) throws -> Bool {
        guard let element = optional(key) else { return fallback }
        guard let bool = element.bool else { throw wrong(key, element, "a bool") }
        return bool
    }

    /// An integer from `range`.
    mutating func unsigned(_ key: StaticString, in range: ClosedRange<UInt64>) throws -> UInt64? {
        guard let element = optional(key) else { return nil }
        guard let number = element.unsigned else {
            guard element.signed == nil else {
                throw Failure.invalidArgument("\"\(key)\" of \(method) must not be negative")
            }
            throw wrong(key, element, "an int")
        }
        guard range.contains(number) else {
            throw Failure.invalidArgument(
                "\"\(key)\" of \(method) is \(number), outside \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func binary(_ key: StaticString) throws -> [UInt8]? {
        guard let element = optional(key) else { return nil }
        guard let bytes = element.binary else { throw wrong(key, element, "a bin") }
        return Array(bytes)
    }

    mutating func strings(_ key: StaticString) throws -> [String]? {
        guard let element = optional(key) else { return nil }
        guard let count = element.arrayCount else { throw wrong(key, element, "an array of str") }
        return try (0..<count).map { index in
            guard let text = element[index].string else { throw wrong(key, element[index], "an array of str") }
            return text
        }
    }

    /// A map of strings.
    mutating func labels(_ key: StaticString) throws -> [String: String]? {
        guard let element = optional(key) else { return nil }
        guard let count = element.mapCount else { throw wrong(key, element, "a map of str to str") }
        guard Bounds.labels.contains(count) else {
            throw Failure.invalidArgument(
                "\"\(key)\" of \(method) has \(count) entries, more than \(Bounds.labels.upperBound)")
        }
        var bytes = 0
        var labels: [String: String] = [:]
        for index in 0..<count {
            let entry = element.entry(index)
            guard let name = entry.key.string, let value = entry.value.string else {
                throw wrong(key, entry.value, "a map of str to str")
            }
            try checkNUL(name, key)
            try checkNUL(value, key)
            bytes += name.utf8.count + value.utf8.count
            labels[name] = value
        }
        guard Bounds.labelBytes.contains(bytes) else {
            throw Failure.invalidArgument(
                "\"\(key)\" of \(method) has \(bytes) bytes, more than \(Bounds.labelBytes.upperBound)")
        }
        return labels
    }

    /// The known values among `Known` that an array names; nil where there is no such key.
    mutating func cases<Known: RawRepresentable<String> & CaseIterable & Hashable>(
        _ key: StaticString, of type: Known.Type
    ) throws -> Set<Known>? {
        guard let names = try strings(key) else { return nil }
        return Set(
            try names.map { name in
                guard let known = Known(rawValue: name) else {
                    let all = Known.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Failure.invalidArgument(
                        "\"\(key)\" of \(method) holds \"\(Excerpt(name))\"; there are \(all)")
                }
                return known
            })
    }

    mutating func map(_ key: StaticString) throws -> Value? {
        guard let element = optional(key) else { return nil }
        guard element.mapCount != nil else { throw wrong(key, element, "a map") }
        return try element.value()
    }

    /// A container id.
    mutating func id(_ key: StaticString = "id") throws -> ContainerID {
        let element = try required(key)
        guard let text = element.string else { throw wrong(key, element, "a str") }
        guard let id = ContainerID(text) else {
            throw Failure.invalidArgument("\"\(key)\" of \(method) is not a container id, which has \(Name.rule)")
        }
        return id
    }

    /// Container ids, each once.
    mutating func ids(_ key: StaticString) throws -> Set<ContainerID>? {
        guard let texts = try strings(key) else { return nil }
        guard Bounds.ids.contains(texts.count) else {
            throw Failure.invalidArgument(
                "\"\(key)\" of \(method) has \(texts.count) ids, more than \(Bounds.ids.upperBound)")
        }
        return Set(
            try texts.map { text in
                guard let id = ContainerID(text) else {
                    throw Failure.invalidArgument(
                        "\"\(key)\" of \(method) holds a text that is no container id: \(Name.rule)")
                }
                return id
            })
    }

    /// A process's name; `init` where it is absent.
    mutating func process(_ key: StaticString = "process", required isRequired: Bool = false) throws -> ProcessName {
        guard let text = try string(key) else {
            if isRequired { throw Failure.invalidArgument("\(method) needs the key \"\(key)\"") }
            return .initial
        }
        guard let name = ProcessName(text) else {
            throw Failure.invalidArgument("\"\(key)\" of \(method) is not a process name, which has \(Name.rule)")
        }
        return name
    }

    /// Throws where a key was not asked for.
    func finish() throws {
        guard let map, seen.nonzeroBitCount < count else { return }
        for index in 0..<count where seen & (1 << UInt64(index)) == 0 {
            let key = map.entry(index).key.string ?? ""
            throw Failure.invalidArgument("\(method) has no parameter \"\(Excerpt(key))\"")
        }
    }
}
