import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// Which events a user wants to see: of any of the types and of any of the containers that were named.
struct EventFilter: Sendable {
    private var types: Set<String> = []
    private var ids: Set<String> = []

    init(_ filters: [KeyValue]) throws {
        for filter in filters {
            switch filter.key {
            case "type":
                guard Event.Kind(rawValue: filter.value) != nil else {
                    let known = Event.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--filter type=\(filter.value): there are \(known)")
                }
                types.insert(filter.value)
            case "id": ids.insert(filter.value)
            default: throw ValidationError("--filter \(filter.key): there are type=TYPE and id=CONTAINER")
            }
        }
    }

    func matches(_ event: Value) -> Bool {
        (types.isEmpty || types.contains(event["type"]?.string ?? ""))
            && (ids.isEmpty || ids.contains(event["id"]?.string ?? ""))
    }
}
