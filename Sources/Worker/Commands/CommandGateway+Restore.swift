import ContainerDriver
import ContainerProtocol
import Logging
import MessagePack

/// Taking up what a worker before this one left.
extension CommandGateway {
    /// Takes up requests and containers, and calls `done` when the host has been asked for every container.
    func restore(_ contents: JournalContents, done: @escaping @Sendable () -> Void) {
        restore(contents.requests)
        pool.assumeIsolated { $0.unreadable.formUnion(contents.damaged) }
        let reader = Reader()
        var containers: [(id: ContainerID, saved: SavedContainer)] = []
        for (id, record) in contents.containers {
            guard let saved = (try? reader.value(record)).flatMap(SavedContainer.init) else {
                // It stays where it is: a later worker may understand it, and until then the id is not this worker's.
                services.logger.error("the record of a container cannot be read", metadata: ["container": "\(id)"])
                pool.assumeIsolated { _ = $0.unreadable.insert(id) }
                continue
            }
            containers.append((id, saved))
        }
        settleUnclaimed(contents.requests, claimed: Set(containers.compactMap { $0.saved.command?.request }))
        let found = containers
        pool.assumeIsolated { pool in
            pool.restore(found, { [self] key in assumeIsolated { $0.resume(key) } }, done: done)
        }
        findOrphans()
        // Found now, and not later: containers that are still to come have folders too. Whose record cannot be read cannot
        // be said to have none.
        if let spools = services.spools, containers.count == contents.containers.count, contents.damaged.isEmpty {
            spools.remove(besides: containers.map(\.saved.facts))
        }
    }

    private func findOrphans() {
        let (driver, logger, pool) = (services.driver, services.logger, pool)
        guard driver.capabilities.contains(.restore) else { return }
        let known = pool.assumeIsolated { Set($0.everyID()) }
        services.calls.make { () throws(DriverFailure) in
            try driver.enumerate()
        } then: { result in
            switch result {
            case .success(let found): pool.assumeIsolated { $0.settleOrphans(found, besides: known) }
            case .failure(let failure):
                logger.error("the host cannot say which containers it has", metadata: ["error": "\(failure)"])
            }
        }
    }
}
