public import ContainerDriver
public import ContainerModel
import Threads

/// Finding containers of an earlier worker again.
extension OCIDriver {
    private func record(_ id: ContainerID) -> ContainerFile? {
        HostFile.bytes(context.paths(id).record).flatMap(ContainerFile.init)
    }

    /// The containers of this worker's owner. What is left of ended ones is removed on the way.
    public func enumerate() throws(DriverFailure) -> EnumeratedContainers {
        var found = EnumeratedContainers()
        for name in FolderTree.names(context.configuration.containers) {
            guard let id = ContainerID(name), state.withLock({ !$0.removing.contains(id) }) else { continue }
            guard let file = record(id) else { continue }
            guard file.owner == context.configuration.owner else { continue }
            if file.phase == .ended {
                if state.withLock({ $0.containers[id] == nil }) { removeLater(id, file) }
                continue
            }
            found.ids.append(id)
            if file.phase == .created, isUnstarted(id, file) { found.unstarted.insert(id) }
        }
        return found
    }

    private func removeLater(_ id: ContainerID, _ file: ContainerFile) {
        let isNew = state.withLock { $0.removing.insert(id).inserted }
        guard isNew else { return }
        context.background.run { [self] in
            _ = ContainerRemoval(id: id, context: context).run(file, context.supervisor(context.paths(id)))
            state.withLock { _ = $0.removing.remove(id) }
        }
    }

    /// Whether a supervisor still keeps it in the state after its creation.
    private func isUnstarted(_ id: ContainerID, _ file: ContainerFile) -> Bool {
        file.boot == context.clock.boot && supervisor(of: id)?.isRunning == true
    }

    private func supervisor(of id: ContainerID) -> ProcessIdentity? {
        HostFile.text(context.paths(id).supervisor, limit: 256).flatMap(ProcessIdentity.init(text:))
    }

    /// Adopts containers without connecting to their supervisors.
    public func takeUpUnstarted(_ containers: [(id: ContainerID, known: KnownContainer)]) throws(DriverFailure) {
        state.withLock { state in
            for (id, _) in containers where state.containers[id] == nil { state.unopened.insert(id) }
        }
    }

    /// Those whose supervisor has gone since.
    public func missingUnstarted() throws(DriverFailure) -> [ContainerID] {
        state.withLock { Array($0.unopened) }.filter { id in
            record(id).map { !isUnstarted(id, $0) || $0.phase != .created } ?? true
        }
    }

    /// Connects to a container that was adopted unstarted.
    func openUnstarted(_ id: ContainerID) throws(DriverFailure) -> OCIContainer {
        guard let file = record(id) else {
            throw DriverFailure(.notFound, "there is no container '\(id)' on this host any more")
        }
        let container = OCIContainer(id, context, file)
        try container.connect()
        return state.withLock { state in
            state.unopened.remove(id)
            if let other = state.containers[id] { return other }
            state.containers[id] = container
            return container
        }
    }

    /// Asks a container whose supervisor has died what became of its processes.
    public func check(_ id: ContainerID) throws(DriverFailure) {
        let container = try container(id)
        // The kernel reports the end of each process to its supervisor, or to this driver where that has died.
        if container.supervisor == nil { context.background.run { container.adoptUnwatched() } }
    }

    /// Finds a container again, by its record and its supervisor; where the supervisor has gone, by what it recorded.
    public func open(
        _ id: ContainerID, _ known: KnownContainer, _ processes: [KnownProcess], ended: Set<UInt32>
    ) throws(DriverFailure) -> OpenedContainer {
        if let current = state.withLock({ $0.containers[id] }) { return current.found(processes, ended, isNew: false) }
        _ = state.wait(milliseconds: context.configuration.patience) { $0.removing.contains(id) ? nil : true }
        guard let file = record(id) else { throw try gone(id, nil) }
        guard file.owner == context.configuration.owner else {
            throw DriverFailure(.failedPrecondition, "container '\(id)' belongs to another worker of this host")
        }
        // What was being made when the worker died never was, and what has ended is being removed.
        if file.phase == .ended || file.phase == .creating { throw try gone(id, file) }
        let container = OCIContainer(id, context, file)
        container.state.withLock { $0.observer = .restore }
        if file.boot != context.clock.boot {
            container.concludeHostRestart(processes, ended)
        } else if supervisor(of: id)?.isRunning == true {
            try container.connect()
        } else if file.phase == .created {
            // Without its supervisor it can never be started.
            throw try gone(id, file)
        } else {
            container.adoptRecorded()
        }
        if container.initial?.known?.phase == .failed { throw try gone(id, file) }
        state.withLock { state in
            state.unopened.remove(id)
            state.containers[id] = container
        }
        let opened = container.found(processes, ended, isNew: true)
        container.state.withLock { $0.observer = .driver }
        return opened
    }

    /// Removes what is left of a container that cannot be had again.
    private func gone(_ id: ContainerID, _ file: ContainerFile?) throws(DriverFailure) -> DriverFailure {
        let paths = context.paths(id)
        if HostFile.exists(paths.bundle) {
            let left = ContainerRemoval(id: id, context: context).run(file, context.supervisor(paths))
            if let left {
                throw DriverFailure(
                    .unavailable, "this is left of container '\(id)', which has ended: \(left)", retryable: true)
            }
        }
        return DriverFailure(.notFound, "there is no container '\(id)' on this host any more")
    }
}
