import CHostCompute
import Synchronization

/// Changes at run time (HostComputeService D.11): validated and remembered, never enforced.
extension EmulatedSystem {
    func modify(_ request: SystemModification) throws(HostFailure) {
        let change = try change(request)
        try state.withLock { (state) throws(HostFailure) in
            switch state.phase {
            case .created, .running, .paused: try change(&state.resources)
            case .stopped: throw HostFailure.alreadyStopped
            default: throw HostFailure.invalidState(state.phase)
            }
        }
    }

    private typealias Change = (inout SystemResources) throws(HostFailure) -> Void

    private func change(_ request: SystemModification) throws(HostFailure) -> Change {
        if let type = request.resourceType {
            guard type == SystemModification.network else { throw EmulatedSystem.unsupported("ResourceType '\(type)'") }
            return try networkChange(request)
        }
        guard let path = request.resourcePath else {
            throw .invalidDocument("ResourcePath or ResourceType is required.")
        }
        guard [SystemModification.memory, SystemModification.processor].contains(path) else {
            throw EmulatedSystem.unsupported("ResourcePath '\(path)'")
        }
        guard request.requestType ?? "Update" == "Update" else {
            throw .invalidDocument("RequestType: Update is expected for '\(path)'.")
        }
        switch request.settings {
        case .memory(let size):
            let size = try ClientDocument.check(size, "Settings", in: 1...(.max))
            return { (resources) throws(HostFailure) in resources.memoryInMB = size }
        case .processor(let limits): return try processorChange(limits)
        default: throw .invalidDocument("Settings: what '\(path)' is to be is expected.")
        }
    }

    private static func unsupported(_ what: String) -> HostFailure {
        HostFailure(code: ResultCode.notSupported, message: "\(what) cannot be changed.")
    }

    private func networkChange(_ request: SystemModification) throws(HostFailure) -> Change {
        guard case .network(let settings) = request.settings, !settings.id.isEmpty else {
            throw .invalidDocument("Settings: the id of an endpoint is expected.")
        }
        let endpoint = settings.id
        switch request.requestType {
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

    private func processorChange(_ limits: SystemModification.Processor) throws(HostFailure) -> Change {
        let count = try ClientDocument.check(limits.count, "Count", in: 1...Int64(UInt32.max))
        let maximum = try ClientDocument.check(limits.maximum, "Maximum", in: 1...10_000)
        let weight = try ClientDocument.check(limits.weight, "Weight", in: 1...10_000)
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
