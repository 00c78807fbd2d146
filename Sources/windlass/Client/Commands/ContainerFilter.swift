import ContainerModel
import ArgumentParser
import ContainerProtocol
import MessagePack

/// Which containers a user wants to see, as `--filter` says it. Pure.
///
/// Of several filters of one kind any must match, of several kinds all; of labels all.
struct ContainerFilter: Sendable, Equatable {
    private var labels: [KeyValue] = []
    private var labelKeys: [String] = []
    private var states: [ContainerRecord.State] = []
    private var names: [NamePattern] = []
    private var ids: [String] = []
    private var codes: [UInt32] = []

    private static let known = "name=PART, id=BEGINNING, status=STATE, exited=CODE, label=KEY and label=KEY=VALUE"
    private static let absent = [
        "ancestor": "there are no images", "health": "the worker runs no checks in containers",
        "network": "see `windlass inspect NAME`", "volume": "there are no volumes", "publish": "no ports are published",
        "expose": "no ports are published", "pod": "there are no pods", "before": "the list is in the order of age",
        "since": "the list is in the order of age", "is-task": "a worker knows no tasks",
        "until": "`windlass prune --filter until=24h` takes it",
    ]

    /// - Throws: `ValidationError`, where a filter is not one of those that there are.
    init(_ filters: [KeyValue]) throws {
        for filter in filters {
            switch filter.key {
            case "label", "label!":
                if let label = KeyValue(argument: filter.value) {
                    labels.append(label)
                } else {
                    labelKeys.append(filter.value)
                }
            case "status", "state": states += try ContainerFilter.states(filter)
            case "name", "names": names.append(NamePattern(filter.value))
            case "id": ids.append(filter.value)
            case "exited":
                guard let code = UInt32(filter.value) else {
                    throw ValidationError("--filter exited=\(filter.value): it is an exit code, such as exited=0")
                }
                codes.append(code)
            default:
                let reason = ContainerFilter.absent[filter.key].map { "\($0); " } ?? ""
                throw ValidationError("--filter \(filter.key): \(reason)there are \(ContainerFilter.known)")
            }
        }
    }

    /// Docker and Podman have other words for two of the states.
    private static func states(_ filter: KeyValue) throws -> [ContainerRecord.State] {
        switch filter.value {
        case "exited", "dead": return [.stopped]
        case "removing": return [.stopping]
        default:
            guard let state = ContainerRecord.State(rawValue: filter.value) else {
                let known = ContainerRecord.State.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--filter \(filter.key)=\(filter.value): there are \(known)")
            }
            return [state]
        }
    }

    /// The parameters of `list`: what the worker can choose by.
    /// - Parameter all: whether stopped ones are wanted too where no state is named.
    func query(all: Bool) -> Value.Map {
        var states = states
        if states.isEmpty, codes.isEmpty, !all { states = ContainerRecord.State.allCases.filter { $0 != .stopped } }
        var query: Value.Map = [:]
        if !labels.isEmpty { query["labels"] = labels.wireValue }
        if !states.isEmpty { query["states"] = .array(states.map { .string($0.rawValue) }) }
        return query
    }

    /// Whether a record passes what the worker could not choose by.
    func matches(_ record: Value) -> Bool {
        let id = record["id"]?.string ?? ""
        let exit = Exit(record["exit"])
        return (names.isEmpty || names.contains { $0.matches(id) })
            && (ids.isEmpty || ids.contains { id.hasPrefix($0) })
            && (codes.isEmpty || (exit?.known == true && codes.contains { $0 == exit?.code }))
            && labelKeys.allSatisfy { record["labels"]?[$0] != nil }
    }
}

/// A part of a name; `^` before it and `$` behind it fix it at the name's beginning and end, as Docker has it.
struct NamePattern: Sendable, Equatable {
    private var text: Substring
    private var isStart = false
    private var isEnd = false

    init(_ text: String) {
        self.text = text[...]
        if self.text.first == "^" {
            isStart = true
            self.text.removeFirst()
        }
        // Docker's names begin with a slash in some places.
        if self.text.first == "/" { self.text.removeFirst() }
        if self.text.last == "$" {
            isEnd = true
            self.text.removeLast()
        }
    }

    func matches(_ name: String) -> Bool {
        switch (isStart, isEnd) {
        case (true, true): name == text
        case (true, false): name.hasPrefix(text)
        case (false, true): name.hasSuffix(text)
        case (false, false): text.isEmpty || name.contains(text)
        }
    }
}
