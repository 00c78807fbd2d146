import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// Which events a user wants to see: of any of the types, of any of the containers and with all of the labels that were
/// named. Pure.
struct EventFilter: Sendable {
    private var types: Set<String> = []
    private var ids: Set<String> = []
    private var processes: Set<String> = []
    private var labels: [KeyValue] = []
    private var labelKeys: [String] = []
    /// Whether events of the worker itself are left out.
    private var isOfContainers = false

    /// Docker's and Podman's words for events.
    private static let others = [
        "die": "exit", "died": "exit", "destroy": "delete", "remove": "delete", "unpause": "resume",
        "exec_start": "exec",
        "exec_create": "exec", "exec_die": "exec_exit", "exec_died": "exec_exit",
    ]

    init(_ filters: [KeyValue]) throws {
        for filter in filters {
            switch filter.key {
            case "type" where filter.value == "container": isOfContainers = true
            case "type", "event":
                // `exec_start: /bin/sh`, as Docker has it, is not taken apart here.
                let type = EventFilter.others[filter.value] ?? filter.value
                guard Event.Kind(rawValue: type) != nil else {
                    let known = Event.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--filter \(filter.key)=\(filter.value): there are \(known)")
                }
                types.insert(type)
            case "id", "container": ids.insert(filter.value)
            case "process": processes.insert(filter.value)
            case "label":
                if let label = KeyValue(argument: filter.value) {
                    labels.append(label)
                } else {
                    labelKeys.append(filter.value)
                }
            default:
                throw ValidationError(
                    "--filter \(filter.key): there are type=TYPE, id=CONTAINER, process=NAME, label=KEY and "
                        + "label=KEY=VALUE")
            }
        }
    }

    func matches(_ event: Value) -> Bool {
        let labels = event["labels"]
        return (types.isEmpty || types.contains(event["type"]?.string ?? ""))
            && (ids.isEmpty || ids.contains(event["id"]?.string ?? ""))
            && (processes.isEmpty || processes.contains(event["process"]?.string ?? ""))
            && (!isOfContainers || event["id"] != nil)
            && self.labels.allSatisfy { labels?[$0.key]?.string == $0.value }
            && labelKeys.allSatisfy { labels?[$0] != nil }
    }
}
