public import CHostCompute
public import ContainerDriver
public import ContainerProtocol
import Synchronization

/// Runs containers through the Host Compute Service, or through whatever else fills its table of functions.
///
/// Every compute system carries its own state, so calls of different containers share nothing but a table of ids.
public final class HostComputeDriver: ContainerDriver {
    public let name: String
    public let version: String
    public let capabilities: Set<Capability>

    private let context: DriverContext
    private let isolates: Bool
    private let facts: HostFacts
    private let systems = Mutex<[ContainerID: ComputeSystem]>([:])

    /// A driver.
    /// - Parameters:
    ///   - table: the functions; the table must never change and must live as long as the program.
    ///   - name: `hcs` or `hcs-emulator`.
    ///   - version: the version of what answers behind the table.
    ///   - owner: what the compute systems of this worker are marked with; ``enumerate()`` finds them by it.
    ///   - isolates: whether a container is kept apart from its host at all.
    ///   - timeouts: how long HCS is waited for.
    public init(
        table: UnsafePointer<HostComputeTable>, name: String, version: String, owner: String, isolates: Bool,
        timeouts: Timeouts = .standard
    ) {
        let host = HostCompute(table: table)
        self.name = name
        self.version = version
        self.isolates = isolates
        context = DriverContext(host: host, owner: owner, timeouts: timeouts)
        facts = HostFacts(
            processors: UInt64(hc_processor_count()), isFolder: { HostFacts.isFolder($0) },
            layerID: { path throws(HostComputeError) in try LayerIdentity.id(ofFolder: path, host: host) })
        capabilities = Self.capabilities(host, isolates: isolates)
    }

    /// The driver of this host's own Host Compute Service.
    /// - Throws: `unavailable` where vmcompute.dll can't be loaded, which says that the Containers feature is not
    ///   installed; `unimplemented` where this is not Windows.
    public static func forThisHost(
        owner: String, timeouts: Timeouts = .standard
    ) throws(DriverFailure) -> HostComputeDriver {
        var error: UInt32 = 0
        guard let table = hc_load(&error) else {
            if error == 0 {
                throw DriverFailure(
                    .unimplemented, "this platform has no Host Compute Service; use another driver here")
            }
            throw DriverFailure(
                .unavailable,
                "vmcompute.dll can't be loaded from the system directory (error \(error)); install the Containers "
                    + "feature of Windows", hresult: 0x8007_0000 | (error & 0xFFFF), operation: "LoadLibraryEx")
        }
        var buffer = [CChar](repeating: 0, count: 64)
        hc_system_version(&buffer, buffer.count)
        let version = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return HostComputeDriver(
            table: table, name: "hcs", version: version, owner: owner, isolates: true, timeouts: timeouts)
    }

    private static func capabilities(_ host: HostCompute, isolates: Bool) -> Set<Capability> {
        var set: Set<Capability> = [.exec, .terminal, .stdin, .statistics, .servicing, .restore]
        set.formUnion(isolates ? [.processIsolation, .hyperVIsolation] : [.noIsolation])
        if host.pauses { set.insert(.pause) }
        if host.signalsProcesses { set.insert(.signals) }
        if host.modifiesSystems { set.insert(.updateResources) }
        return set
    }

    public func connect(_ events: any DriverEvents) { context.connect(events) }

    // MARK: Life

    public func create(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> CreatedContainer {
        let built = try ContainerDocument.build(id, specification, owner: context.owner, facts: facts)
        let system = ComputeSystem(
            id, isolation: built.isolation, servicing: built.document.servicing, context: context)
        try insert(system)
        do throws(DriverFailure) {
            try system.create(built.document.bytes)
        } catch {
            remove(system)
            throw error
        }
        return CreatedContainer(isolation: said(built.isolation), warnings: built.warnings, ignored: built.ignored)
    }

    public func start(
        _ id: ContainerID, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> UInt32 {
        let system = try system(id)
        let document: ProcessDocument
        do throws(DriverFailure) {
            document = try ProcessDocument(process, path: "spec.process", stdin: stdin, servicing: system.servicing)
        } catch {
            // A start that fails leaves no compute system to wait in vain.
            system.abandon()
            throw error
        }
        return try system.start(document, output: output)
    }

    public func startProcess(
        _ id: ContainerID, _ name: ProcessName, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> UInt32 {
        let system = try system(id)
        let directory = system.withState { $0.directory }
        let document = try ProcessDocument(process, path: "process", directory: directory, stdin: stdin)
        return try system.startProcess(name, document, output: output)
    }

    public func shutDown(_ id: ContainerID) throws(DriverFailure) -> ShutDown { try system(id).shutDown() }

    public func terminate(_ id: ContainerID) throws(DriverFailure) { try system(id).terminateAndWait() }

    public func discard(_ id: ContainerID) throws(DriverFailure) {
        if let system = systems.withLock({ $0[id] }) {
            if system.isDisconnected {
                system.close()
            } else {
                try system.takeDown()
            }
            remove(system)
            guard system.isDisconnected else { return }
        }
        // Not one of ours, or no longer: by its id.
        let stranger = ComputeSystem(id, isolation: .process, servicing: false, context: context)
        do throws(HostComputeError) {
            try stranger.attach()
        } catch where error.isGone {
            return
        } catch {
            throw error.failure(stranger.subject)
        }
        try stranger.takeDown()
    }

    // MARK: Operations

    public func signal(_ id: ContainerID, _ process: ProcessName, _ signal: Signal) throws(DriverFailure) {
        try system(id).signal(process, signal)
    }

    public func pause(_ id: ContainerID) throws(DriverFailure) { try system(id).pause() }

    public func resume(_ id: ContainerID) throws(DriverFailure) { try system(id).resume() }

    public func resize(_ id: ContainerID, _ process: ProcessName, _ size: ConsoleSize) throws(DriverFailure) {
        try system(id).resize(process, size)
    }

    public func write(
        _ id: ContainerID, _ process: ProcessName, _ bytes: [UInt8], end: Bool
    ) throws(DriverFailure) -> Int {
        try system(id).runningProcess(process).write(bytes, end: end)
    }

    public func statistics(_ id: ContainerID) throws(DriverFailure) -> ContainerStatistics {
        try system(id).statistics()
    }

    public func processes(_ id: ContainerID) throws(DriverFailure) -> [ProcessSummary] {
        try system(id).processList()
    }

    public func update(_ id: ContainerID, _ resources: OCIResources) throws(DriverFailure) -> UpdatedResources {
        try system(id).update(resources)
    }

    // MARK: The service

    public func enumerate() throws(DriverFailure) -> [ContainerID] {
        let query = JSONWriter.object { json in
            json.key("Owners")
            json.array([context.owner]) { $0.string($1) }
        }
        do throws(HostComputeError) {
            let text = try enumerate(query, attempts: 5)
            guard let systems = JSONValue(parsing: text)?.array else {
                throw HostComputeError("HcsEnumerateComputeSystems", .noDocument)
            }
            // Older builds leave the query aside, so the owner is looked at here too. [inf]
            return systems.compactMap { system in
                guard (system["Owner"]?.string ?? context.owner) == context.owner else { return nil }
                return (system["Id"]?.string).flatMap(ContainerID.init)
            }
        } catch {
            throw error.failure("the containers of '\(context.owner)'")
        }
    }

    /// RS1 and RS2 refuse to enumerate while a container ends; asked again they answer (hcs-reference H).
    private func enumerate(_ query: [UInt8], attempts: Int) throws(HostComputeError) -> String {
        do throws(HostComputeError) {
            return try context.host.enumerate(query)
        } catch where error.isAccessDenied && attempts > 1 {
            return try enumerate(query, attempts: attempts - 1)
        }
    }

    public func open(_ id: ContainerID, output: any ProcessOutput) throws(DriverFailure) -> OpenedContainer {
        try open(id, pid: nil, output: output)
    }

    /// Finds a container again, as ``open(_:output:)`` does, and its first process by its id: HCS itself does not say
    /// which process was the first.
    public func open(
        _ id: ContainerID, pid: UInt32?, output: any ProcessOutput
    ) throws(DriverFailure) -> OpenedContainer {
        var pid = pid
        if let known = systems.withLock({ $0[id] }), known.isDisconnected {
            pid = pid ?? known.withState { state in state.processes.first { $0.name == .initial }?.pid }
            known.close()
            remove(known)
        }
        let probe = ComputeSystem(id, isolation: .process, servicing: false, context: context)
        let found: ComputeSystem.Found
        do throws(HostComputeError) {
            let raw = ComputeHandle(context.host, .system, try context.host.openSystem(id.rawValue))
            defer { raw.close() }
            let text = try raw.use("HcsGetComputeSystemProperties") { system throws(HostComputeError) in
                try context.host.properties(ofSystem: system, PropertyDocuments.basic)
            }
            found = ComputeSystem.Found(JSONValue(parsing: text) ?? .null)
        } catch {
            throw error.failure(probe.subject)
        }
        let system = ComputeSystem(id, isolation: found.isolation, servicing: false, context: context)
        try insert(system)
        do throws(HostComputeError) {
            try system.attach()
            let state = try system.reattach(found, pid: pid, output: output)
            return OpenedContainer(isolation: said(found.isolation), state: state)
        } catch {
            system.close()
            remove(system)
            throw error.failure(system.subject)
        }
    }

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

    // MARK: The table of ids

    private func said(_ isolation: Isolation) -> Isolation { isolates ? isolation : .none }

    private func system(_ id: ContainerID) throws(DriverFailure) -> ComputeSystem {
        guard let system = systems.withLock({ $0[id] }) else {
            throw DriverFailure(.notFound, "there is no container '\(id)'; create it, or restore it")
        }
        return system
    }

    private func insert(_ system: ComputeSystem) throws(DriverFailure) {
        let free = systems.withLock { systems in
            guard systems[system.id] == nil else { return false }
            systems[system.id] = system
            return true
        }
        guard free else {
            throw DriverFailure(
                .alreadyExists, "\(system.subject) exists already; delete it first, or choose another id")
        }
    }

    private func remove(_ system: ComputeSystem) {
        let removed = systems.withLock { systems in
            systems[system.id] === system ? systems.removeValue(forKey: system.id) : nil
        }
        _ = removed
    }
}
