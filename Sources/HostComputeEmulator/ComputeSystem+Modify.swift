import CHostCompute

/// Changes at run time (hcs-reference D.11): validated and remembered, never enforced.
extension ComputeSystem {
    func modify(_ request: JSONValue) throws(HostFailure) {
        let change: (inout SystemResources) throws(HostFailure) -> Void
        if let type = try request.string("ResourceType") {
            guard type == "Network" else { throw ComputeSystem.unsupported("ResourceType '\(type)'") }
            change = try networkChange(request)
        } else if let path = try request.string("ResourcePath") {
            change = try resourceChange(path, request)
        } else {
            throw .invalidDocument("ResourcePath or ResourceType is required.")
        }
        try state.withLock { (state) throws(HostFailure) in
            switch state.phase {
            case .created, .running, .paused: try change(&state.resources)
            case .stopped: throw HostFailure.alreadyStopped
            default: throw HostFailure.invalidState(state.phase)
            }
        }
    }

    private typealias Change = (inout SystemResources) throws(HostFailure) -> Void

    private static func unsupported(_ what: String) -> HostFailure {
        HostFailure(code: ResultCode.notSupported, message: "\(what) cannot be changed.")
    }

    private func networkChange(_ request: JSONValue) throws(HostFailure) -> Change {
        let endpoint: String
        switch request["Settings"] {
        case .string(let id): endpoint = id
        case .object?:
            // An endpoint object names itself by one of these [inf].
            let settings = request["Settings"] ?? .null
            let names = [try settings.string("EndpointId"), try settings.string("ID"), try settings.string("Id")]
            endpoint = names.lazy.compactMap { $0 }.first ?? ""
        default: endpoint = ""
        }
        guard !endpoint.isEmpty else { throw .invalidDocument("Settings: the id of an endpoint is expected.") }
        switch try request.string("RequestType") {
        case "Add":
            return { (resources) throws(HostFailure) in
                if !resources.endpoints.contains(endpoint) { resources.endpoints.append(endpoint) }
            }
        case "Remove":
            return { (resources) throws(HostFailure) in
                guard let index = resources.endpoints.firstIndex(of: endpoint) else {
                    throw HostFailure(
                        code: ResultCode.elementNotFound, message: "The endpoint '\(endpoint)' is not attached.")
                }
                resources.endpoints.remove(at: index)
            }
        default: throw .invalidDocument("RequestType: Add or Remove is expected.")
        }
    }

    private func resourceChange(_ path: String, _ request: JSONValue) throws(HostFailure) -> Change {
        guard ["Container/Memory/SizeInMB", "Container/Processor"].contains(path) else {
            throw ComputeSystem.unsupported("ResourcePath '\(path)'")
        }
        guard try request.string("RequestType") ?? "Update" == "Update" else {
            throw .invalidDocument("RequestType: Update is expected for '\(path)'.")
        }
        if path == "Container/Memory/SizeInMB" {
            guard let size = try request.integer("Settings", in: 1...(.max)) else {
                throw .invalidDocument("Settings: the size in MiB is expected.")
            }
            return { (resources) throws(HostFailure) in resources.memoryInMB = size }
        }
        let settings = request["Settings"] ?? .null
        let count = try settings.integer("Count", in: 1...Int64(UInt32.max))
        let maximum = try settings.integer("Maximum", in: 1...10_000)
        let weight = try settings.integer("Weight", in: 1...10_000)
        guard [count, maximum, weight].count(where: { $0 != nil }) == 1 else {
            throw .invalidDocument("Settings: exactly one of Count, Maximum, Weight is expected.")
        }
        return { (resources) throws(HostFailure) in
            resources.processorCount = count
            resources.processorMaximum = maximum
            resources.processorWeight = weight
        }
    }
}
