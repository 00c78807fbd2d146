import ContainerDriver
import ContainerModel
import Logging

/// Handles compute systems of this worker's owner that have no record, as the settings demand. On the loop only.
final class OrphanSearch {
    private let services: HostServices

    init(_ services: HostServices) { self.services = services }

    /// - Parameter found: what the host has and no record names.
    func settle(_ found: [ContainerID]) {
        // A peer may have taken one up meanwhile.
        for id in found where !services.pool.isKnown(id) { settle(id) }
    }

    private func settle(_ id: ContainerID) {
        services.logger.warning(
            "the host has a container of this worker's own that there is no record of",
            metadata: ["container": "\(id)", "orphans": "\(services.configuration.orphans.rawValue)"])
        switch services.configuration.orphans {
        case .adopt: services.pool.make(id).enter { $0.adopt(nil) }
        case .report: services.pool.noteOrphan(id)
        case .terminate: terminate(id)
        }
    }

    private func terminate(_ id: ContainerID) {
        let driver = services.driver
        services.pool.reserve(id, .ending)
        services.calls.make(.discard, urgency: .urgent) { () throws(DriverFailure) in
            try driver.discard(id)
        } then: { [self] result in
            services.pool.reserve(id, nil)
            guard case .failure(let failure) = result else { return }
            services.logger.error(
                "a container without a record could not be ended",
                metadata: ["container": "\(id)", "error": "\(failure)"])
        }
    }
}
