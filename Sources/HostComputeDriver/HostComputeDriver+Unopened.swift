public import ContainerDriver
public import ContainerModel
import Dispatch
import Synchronization

/// Containers that the service has and that are opened when a call needs them.
///
/// A worker that starts finds thousands that only wait to be started: one list of all answers for them, where opening
/// each costs three calls. No callback is registered for them. So one is opened at once, the watched one, through which
/// HCS reports that the service goes away; and what ended unseen is found by ``missingUnstarted()``.
extension HostComputeDriver {
    /// Takes note of containers that were listed as never started.
    public func takeUpUnstarted(_ containers: [(id: ContainerID, known: KnownContainer)]) throws(DriverFailure) {
        let added = systems.withLock { systems in
            containers.filter { systems.addUnopened($0.id, $0.known) }
        }
        do throws(HostComputeError) {
            try watchService()
        } catch {
            systems.withLock { systems in
                for (id, _) in added { systems.removeUnopened(id) }
            }
            throw error.failure("the containers of '\(context.owner)'")
        }
    }

    /// Those that are not open and that HCS does not list as never started. Costs one call, and none where all are open.
    public func missingUnstarted() throws(DriverFailure) -> [ContainerID] {
        let unopened = systems.withLock { $0.unopenedIDs }
        guard !unopened.isEmpty else { return [] }
        let listed = try enumerate().unstarted
        return unopened.filter { !listed.contains($0) }
    }

    /// Opens a container that was only taken note of.
    /// - Returns: nil where it has been forgotten meanwhile.
    func openUnopened(_ id: ContainerID, _ known: KnownContainer) throws(HostComputeError) -> ComputeSystem? {
        let (handle, found) = try context.openOwn(id)
        let system = ComputeSystem(
            id, isolation: found.isolation(known), servicing: known.isServicing, context: context)
        system.withState { state in
            state.directory = known.directory
            state.wasFound = true
            state.started = found.started
            state.hasFirstProcess = found.started
        }
        try system.attach(handle)
        // Another call of the same container may have been faster.
        let current = systems.withLock { systems in
            systems.open(system)
            return systems[id]
        }
        if current !== system { system.close() }
        return current
    }

    /// Opens one of the containers that are not open, where none is watched or its service has gone.
    func watchService() throws(HostComputeError) {
        let next = systems.withLock { systems -> (id: ContainerID, known: KnownContainer)? in
            if let id = systems.watched, systems[id]?.isConnected == true { return nil }
            return systems.anyUnopened
        }
        guard let next else { return }
        let system = try openUnopened(next.id, next.known)
        systems.withLock { $0.watched = system?.id }
    }

    /// A container was closed: another one is watched in its place.
    func closed(_ id: ContainerID) {
        guard systems.withLock({ $0.watched }) == id else { return }
        // Aside, because no container's call may wait for another container. Where none can be opened, the next list of
        // all finds what is missing.
        DispatchQueue(label: "windlass.hcs.watch").async { [self] in try? watchService() }
    }
}
