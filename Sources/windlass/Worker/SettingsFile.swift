import Foundation
import MessagePack
import Yams

/// A configuration file: settings by key, profiles, and the line of each key.
struct SettingsFile: Sendable {
    let path: String
    /// What is wrong with single keys of it.
    private(set) var problems: [String] = []
    /// The settings' texts; a list has several.
    private(set) var values: [String: [String]] = [:]
    private(set) var profiles: [String: MessagePack.Value] = [:]
    private var lines: [String: Int] = [:]

    /// Reads and checks the file.
    /// - Throws: where it cannot be read as a map at all; everything else is in ``problems``.
    init(path: String) throws {
        self.path = path
        let text: String
        do {
            text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
        } catch {
            throw ConfigurationError("\(path) cannot be read: is it there, and is it UTF-8?")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw ConfigurationError("\(path):\(SettingsFile.place(of: error))")
        }
        guard let root, !(root.scalar?.string ?? "x").isEmpty else { return }
        guard case .mapping(let mapping) = root else {
            throw ConfigurationError("\(path):1: the file must be a map of settings")
        }
        for (keyNode, node) in mapping { read(keyNode, node) }
    }

    /// Where a key stands, for messages to people.
    func place(of key: String) -> String { "\(path):\(lines[key] ?? 1)" }

    private mutating func read(_ keyNode: Node, _ node: Node) {
        let line = keyNode.mark?.line ?? 1
        let place = "\(path):\(line)"
        guard let key = keyNode.string else { return problems.append("\(place): a key must be a text") }
        guard lines.updateValue(line, forKey: key) == nil else {
            return problems.append("\(place): \(key) stands twice")
        }
        if key == "profiles" { return readProfiles(node) }
        guard let setting = Setting.all.first(where: { $0.key == key }) else {
            let known = Setting.all.map(\.key) + ["profiles"]
            let near = Suggestion.nearest(to: key, in: known).map { "; did you mean \($0)?" } ?? ""
            return problems.append("\(place): there is no setting \(key)\(near)")
        }
        switch node {
        case .scalar(let scalar): values[key] = [scalar.string]
        case .sequence(let sequence):
            let texts = sequence.compactMap { $0.scalar?.string }
            guard texts.count == sequence.count else {
                return problems.append("\(place): \(key) must be a list of texts")
            }
            values[key] = texts
        case .mapping(let mapping):
            guard case .users = setting.kind else {
                return problems.append("\(place): \(key) must not be a map")
            }
            values[key] = mapping.map {
                "\($0.key.scalar?.string ?? "")=\($0.value.scalar?.string ?? "")"
            }
        default: problems.append("\(place): \(key) must not be an alias")
        }
    }

    private mutating func readProfiles(_ node: Node) {
        guard case .mapping(let mapping) = node else {
            return problems.append(
                "\(place(of: "profiles")): profiles must be a map from names to specifications")
        }
        for (keyNode, profile) in mapping {
            let line = keyNode.mark?.line ?? 1
            guard let name = keyNode.string, case .mapping = profile else {
                problems.append(
                    "\(path):\(line): the profile \(keyNode.string ?? "") must be a map, an OCI specification"
                )
                continue
            }
            profiles[name] = profile.value as MessagePack.Value
        }
    }

    /// Line and problem of an error that Yams reports.
    private static func place(of error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(mark.line): \(problem)"
        default: "1: \(error)"
        }
    }
}

extension Node {
    /// The node as a value; plain scalars follow YAML's core schema.
    fileprivate var value: MessagePack.Value {
        switch self {
        case .mapping(let mapping):
            var map = MessagePack.Value.Map()
            for (key, node) in mapping { map[key.string ?? ""] = node.value }
            return .map(map)
        case .sequence(let sequence): return .array(sequence.map(\.value))
        case .scalar(let scalar):
            guard scalar.style == .any || scalar.style == .plain else { return .string(scalar.string) }
            if scalar.string.isEmpty || scalar.string == "~" || scalar.string == "null" { return .null }
            if let bool = self.bool { return .bool(bool) }
            if let number = Int(scalar.string) { return .int(number) }
            if let number = self.float { return .double(number) }
            return .string(scalar.string)
        case .alias: return .null
        }
    }
}
