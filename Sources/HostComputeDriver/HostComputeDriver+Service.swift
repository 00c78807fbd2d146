public import ContainerDriver
public import ContainerProtocol
import Synchronization

extension HostComputeDriver {
    /// The compute systems that carry the driver's owner.
    public func enumerate() throws(DriverFailure) -> [ContainerID] {
        let query = JSONWriter.object { json in
            json.key("Owners")
            json.array([context.owner]) { $0.string($1) }
        }
        do throws(HostComputeError) {
            let text = try enumerate(query, attempts: 5)
            guard let systems = AnswerDocument.read([Lenient<ContainerProperties>].self, text) else {
                throw HostComputeError("HcsEnumerateComputeSystems", .noDocument)
            }
            // Older builds leave the query aside, so the owner is looked at here too. [inf]
            return systems.compactMap(\.wrappedValue).compactMap { system in
                guard (system.owner ?? context.owner) == context.owner else { return nil }
                return system.id.flatMap(ContainerID.init)
            }
        } catch {
            throw error.failure("the containers of '\(context.owner)'")
        }
    }

    /// RS1 and RS2 refuse to enumerate while a container ends; asked again they answer (hcs-reference H).
    private func enumerate(_ query: [UInt8], attempts: Int) throws(HostComputeError) -> String {
        do throws(HostComputeError) {
            return try context.host.enumerate(query)
        } catch  where error.isAccessDenied && attempts > 1 {
            return try enumerate(query, attempts: attempts - 1)
        }
    }

    /// Finds a container again; see ``open(_:pid:output:)``.
    public func open(_ id: ContainerID, output: any ProcessOutput) throws(DriverFailure) -> OpenedContainer {
        try open(id, pid: nil, output: output)
    }

    /// Finds a container again, as ``open(_:output:)`` does, and its first process by its id: HCS itself does not say
    /// which process was the first.
    public func open(
        _ id: ContainerID, pid: UInt32?, output: any ProcessOutput
    ) throws(DriverFailure) -> OpenedContainer {
        // The record of a container whose service went away: its handles are dead, what it knows is not.
        let former = systems.withLock { $0[id] }.flatMap { $0.isDisconnected ? $0 : nil }
        let known = former?.withState { state in state.processes.first { $0.name == .initial }?.pid }
        let (handle, found) = try find(id)
        if let former { remove(former) }
        let system = ComputeSystem(id, isolation: found.isolation, servicing: false, context: context)
        do throws(DriverFailure) {
            try insert(system)
        } catch {
            handle.close()
            throw error
        }
        do throws(HostComputeError) {
            try system.attach(handle)
            let state = try system.reattach(found, pid: pid ?? known, output: output)
            if let former {
                system.reattachExecs(of: former)
                former.close()
            }
            return OpenedContainer(isolation: said(found.isolation), state: state)
        } catch {
            system.close()
            remove(system)
            throw error.failure(system.subject)
        }
    }

    private func find(_ id: ContainerID) throws(DriverFailure) -> (ComputeHandle, ComputeSystem.Found) {
        do throws(HostComputeError) {
            let handle = ComputeHandle(context.host, .system, try context.host.openSystem(id.rawValue))
            do throws(HostComputeError) {
                let text = try handle.use("HcsGetComputeSystemProperties") { system throws(HostComputeError) in
                    try context.host.properties(ofSystem: system, PropertyDocuments.basic)
                }
                guard let properties = AnswerDocument.read(ContainerProperties.self, text) else {
                    throw HostComputeError("HcsGetComputeSystemProperties", .noDocument)
                }
                return (handle, ComputeSystem.Found(properties))
            } catch {
                handle.close()
                throw error
            }
        } catch {
            throw error.failure("container '\(id)'")
        }
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
