public import ContainerDriver
public import ContainerModel
import Synchronization

extension HostComputeDriver {
    /// The compute systems that carry the driver's owner.
    public func enumerate() throws(DriverFailure) -> EnumeratedContainers {
        let query = JSONWriter.object { json in
            json.key("Owners")
            json.array([context.owner]) { $0.string($1) }
        }
        do throws(HostComputeError) {
            let text = try enumerate(query, attempts: 5)
            guard let systems = AnswerDocument.read([Lenient<ListedSystem>].self, text) else {
                throw HostComputeError("HcsEnumerateComputeSystems", .noDocument)
            }
            var found = EnumeratedContainers()
            for system in systems.compactMap(\.wrappedValue) {
                // Older builds leave the query aside, so the owner is looked at here too. [inf]
                guard (system.owner ?? context.owner) == context.owner, let id = system.id.flatMap(ContainerID.init)
                else { continue }
                found.ids.append(id)
                if system.isUnstarted { found.unstarted.insert(id) }
            }
            return found
        } catch {
            throw error.failure("the containers of '\(context.owner)'")
        }
    }

    /// RS1 and RS2 refuse to enumerate while a container ends; asked again they answer (HostComputeService H).
    private func enumerate(_ query: [UInt8], attempts: Int) throws(HostComputeError) -> String {
        do throws(HostComputeError) {
            return try context.host.enumerate(query)
        } catch  where error.isAccessDenied && attempts > 1 {
            return try enumerate(query, attempts: attempts - 1)
        }
    }

    /// Finds a container again, or what is left of one whose service went away.
    ///
    /// A process with a known id is opened by that id; HCS itself does not report which process was the first. If the
    /// time of its start is known, a process that HCS created more than five minutes later is not taken for it.
    public func open(
        _ id: ContainerID, _ known: KnownContainer, _ processes: [KnownProcess], ended: Set<UInt32>
    ) throws(DriverFailure) -> OpenedContainer {
        let current = systems.withLock { $0[id] }
        if let current, !current.isDisconnected, let opened = try complete(current, processes, ended) { return opened }
        let handle: ComputeHandle
        let found: ComputeSystem.Found
        do throws(HostComputeError) {
            (handle, found) = try context.openOwn(id)
        } catch {
            if error.isNotFound { systems.withLock { $0.removeUnopened(id) } }
            throw error.failureToFind("container '\(id)'")
        }
        let system = ComputeSystem(
            id, isolation: found.isolation(known), servicing: known.isServicing, context: context)
        system.withState { $0.directory = known.directory }
        let processes = current.map { $0.merged(processes) } ?? processes
        let located: ComputeSystem.Located
        do throws(HostComputeError) {
            try system.attach(handle)
            located = try system.locate(processes, found, taken: ended)
        } catch {
            system.close()
            throw error.failureToFind(system.subject)
        }
        let (reported, gates) = current?.handOver() ?? ([], [:])
        if let current {
            remove(current)
            system.inherit(current)
        }
        systems.withLock { $0.removeUnopened(id) }
        do throws(DriverFailure) {
            try insert(system)
        } catch {
            located.close()
            system.close()
            throw error
        }
        let isNew = located.missing[.initial] == .neverCreated
        system.withState { state in
            state.wasFound = true
            state.started = found.started
            state.hasFirstProcess = state.hasFirstProcess || (found.started && !isNew)
        }
        return opened(system, found, system.takeUp(located.without(reported), gates))
    }

    /// Attaches to those processes of a container that is open already which are not.
    /// - Returns: nil where its handle is dead.
    private func complete(
        _ system: ComputeSystem, _ processes: [KnownProcess], _ ended: Set<UInt32>
    ) throws(DriverFailure) -> OpenedContainer? {
        do throws(HostComputeError) {
            let found = ComputeSystem.Found(try system.readProperties(PropertyDocuments.basic))
            let (here, missing) = system.split(processes)
            let located = try system.locate(missing, found, taken: ended.union(here.values))
            if located.found.contains(where: { $0.known.name == .initial }) {
                system.withState { $0.hasFirstProcess = true }
            }
            let kept = here.mapValues { FoundProcess.found(pid: $0) }
            return opened(system, found, system.takeUp(located, [:]).merging(kept) { first, _ in first })
        } catch  where error.isServiceGone || error.isInvalidHandle {
            // Its handle is dead; the system may live: it is looked for again.
            return nil
        } catch {
            throw error.failureToFind(system.subject)
        }
    }

    private func opened(
        _ system: ComputeSystem, _ found: ComputeSystem.Found, _ processes: [ProcessName: FoundProcess]
    ) -> OpenedContainer {
        OpenedContainer(
            isolation: said(system.isolation), canPause: system.isolation == .hyperV, state: found.state,
            processes: processes, inputs: system.inputs, warnings: system.takeWarnings())
    }

    /// Asks whether the service answers.
    public func probe() throws(DriverFailure) {
        do throws(HostComputeError) {
            if context.host.tellsServiceProperties {
                _ = try context.host.serviceProperties(PropertyDocuments.query("Basic"))
            } else {
                _ = try enumerate(PropertyDocuments.basic, attempts: 5)
            }
        } catch {
            throw error.failure("the service")
        }
    }
}

extension HostComputeError {
    /// The failure of a search for a container. It is `notFound` only if HCS reports that there is no such system. A
    /// handle that is being closed, or a call in the wrong state, proves nothing, so that failure is retryable.
    fileprivate func failureToFind(_ subject: String) -> DriverFailure {
        var failure = failure(subject)
        if !isNotFound, !isForeign, failure.code == .notFound || failure.code == .failedPrecondition {
            failure.code = .unavailable
            failure.retryable = true
        }
        return failure
    }
}
