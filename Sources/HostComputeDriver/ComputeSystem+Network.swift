import ContainerDriver
import ContainerModel

/// The network endpoints of a container that runs (HostComputeService D.11).
extension ComputeSystem {
    /// What is done to an endpoint.
    private enum Change: String {
        case add = "Add"
        case remove = "Remove"
    }

    /// Gives the container these endpoints and no others. New ones come before old ones go, so that it is never without
    /// any; a failure leaves what was done by then, and the same call again does the rest.
    func update(endpoints wanted: [String], _ result: inout UpdatedResources) throws(DriverFailure) {
        let name = "network.endpointList"
        var done = false
        do throws(HostComputeError) {
            let present = try endpoints()
            for endpoint in Self.missing(wanted, in: present) {
                try change(.add, endpoint)
                done = true
            }
            for endpoint in Self.missing(present, in: wanted) {
                try change(.remove, endpoint)
                done = true
            }
            result.applied.append(name)
        } catch  where error.isNotSupported && !done {
            result.ignored.append(name)
        } catch {
            throw error.failure(subject)
        }
    }

    /// Those of `ids` that `others` lacks, each once. They are GUIDs, whose letters may be of either case.
    private static func missing(_ ids: [String], in others: [String]) -> [String] {
        var seen = Set(others.map { $0.lowercased() })
        return ids.filter { seen.insert($0.lowercased()).inserted }
    }

    /// The endpoints that the container has. HCS lists them in the statistics only [inf], so it is asked where this
    /// driver has not made the container.
    private func endpoints() throws(HostComputeError) -> [String] {
        if let known = withState({ $0.endpoints }) { return known }
        let statistics = try readProperties(PropertyDocuments.query("Statistics")).statistics
        let found = (statistics?.network ?? []).compactMap { $0.wrappedValue?.id }
        withState { $0.endpoints = found }
        return found
    }

    private func change(_ change: Change, _ endpoint: String) throws(HostComputeError) {
        let document = JSONWriter.object { json in
            json.field("ResourceType", "Network")
            json.field("Settings", endpoint)
            json.field("RequestType", change.rawValue)
        }
        do throws(HostComputeError) {
            try use("HcsModifyComputeSystem") { system throws(HostComputeError) in
                try context.host.modify(system: system, document)
            }
        } catch  where change == .remove && error.code == 0x490 {
            // It is not attached any more, which is what was asked for.
        }
        withState { state in
            var endpoints = state.endpoints ?? []
            endpoints.removeAll { $0.lowercased() == endpoint.lowercased() }
            if change == .add { endpoints.append(endpoint) }
            state.endpoints = endpoints
        }
    }
}
