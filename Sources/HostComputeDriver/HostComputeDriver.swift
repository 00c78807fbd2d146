public import CHostCompute
public import ContainerDriver
public import ContainerModel
import Synchronization

/// Runs containers through the Host Compute Service, or through another implementation of its function table.
///
/// Every compute system carries its own state, so calls of different containers share nothing but a table of ids.
public final class HostComputeDriver: ContainerDriver {
    /// `hcs` or `hcs-emulator`.
    public let name: String
    /// The version of what answers behind the table.
    public let version: String
    /// What the table's functions allow on this host.
    public let capabilities: Set<Capability>

    let context: DriverContext
    private let isolates: Bool
    private let facts: HostFacts
    let systems = Mutex(SystemTable())

    /// A driver.
    /// - Parameters:
    ///   - table: the functions; the table must never change and must live as long as the program.
    ///   - name: `hcs` or `hcs-emulator`.
    ///   - version: the version of what answers behind the table.
    ///   - owner: what the compute systems of this worker are marked with; ``enumerate()`` finds them by it.
    ///   - isolates: whether a container is kept apart from its host at all. Where it is not, its processes are those
    ///     of a Linux host, and the numbers of signals are that host's.
    ///   - outlivesWorker: whether what answers behind the table keeps containers when this process ends, so that the
    ///     next one can open them again.
    ///   - timeouts: how long HCS is waited for.
    public init(
        table: UnsafePointer<HostComputeTable>, name: String, version: String, owner: String, isolates: Bool,
        outlivesWorker: Bool = true, timeouts: Timeouts = .standard
    ) {
        let host = HostCompute(table: table)
        self.name = name
        self.version = version
        self.isolates = isolates
        let hasServicing = !isolates || Self.hasServicing(version)
        context = DriverContext(
            host: host, owner: owner, timeouts: timeouts, signalNumbers: isolates ? .console : .linux,
            hasServicing: hasServicing)
        facts = HostFacts(
            processors: UInt64(hc_processor_count()),
            isFolder: { path throws(HostComputeError) in try HostFacts.isFolder(path) },
            layerID: { path throws(HostComputeError) in try LayerIdentity.id(ofFolder: path, host: host) },
            hasServicing: hasServicing, isolates: isolates)
        var capabilities = Self.capabilities(host, isolates: isolates, outlivesWorker: outlivesWorker)
        if hasServicing { capabilities.insert(.servicing) }
        self.capabilities = capabilities
    }

    /// Windows has had no servicing run since build 17134 (HostComputeService G.1). A host with an unknown build may
    /// have one.
    private static func hasServicing(_ version: String) -> Bool {
        let numbers = version.split(separator: ".")
        guard numbers.count >= 3, let build = Int(numbers[2]) else { return true }
        return build < 17134
    }

    private static func capabilities(
        _ host: HostCompute, isolates: Bool, outlivesWorker: Bool
    ) -> Set<Capability> {
        var set: Set<Capability> = [.exec, .terminal, .stdin, .statistics]
        set.formUnion(isolates ? [.processIsolation, .hyperVIsolation] : [.noIsolation])
        if outlivesWorker { set.insert(.restore) }
        if host.pauses { set.insert(.pause) }
        if host.signalsProcesses { set.insert(.signals) }
        if host.modifiesSystems { set.formUnion([.updateResources, .updateNetwork]) }
        return set
    }

    /// Sets the receiver of the driver's events. Called once, before any other call.
    public func connect(_ events: any DriverEvents) { context.connect(events) }

    // MARK: Life

    /// The document that HCS would be given.
    public func plan(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> ContainerPlan {
        let built = try ContainerDocument.build(id, specification, owner: context.owner, facts: facts)
        if let process = specification.process {
            _ = try ProcessDocument(process, path: "spec.process", stdin: false, servicing: built.document.servicing)
        }
        var masked = built.document
        if !masked.credentials.isEmpty { masked.credentials = "(masked)" }
        return ContainerPlan(
            document: String(decoding: built.document.bytes, as: UTF8.self),
            loggable: String(decoding: masked.bytes, as: UTF8.self), warnings: built.warnings, ignored: built.ignored)
    }

    /// Makes a compute system and waits until it is there; a failure leaves nothing behind.
    public func create(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> CreatedContainer {
        let built = try ContainerDocument.build(id, specification, owner: context.owner, facts: facts)
        let system = ComputeSystem(
            id, isolation: built.isolation, servicing: built.document.servicing, context: context)
        try insert(system)
        do throws(DriverFailure) {
            try system.create(built.document.bytes)
            system.withState { $0.endpoints = built.document.endpoints }
        } catch {
            remove(system)
            throw error
        }
        return CreatedContainer(
            isolation: said(built.isolation), canPause: built.isolation == .hyperV, warnings: built.warnings,
            ignored: built.ignored)
    }

    /// Starts the compute system, unless it runs already, and its first process.
    public func start(
        _ id: ContainerID, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        let system = try system(id)
        try system.requireNotStarted()
        let document = try ProcessDocument(process, path: "spec.process", stdin: stdin, servicing: system.servicing)
        return try system.start(document, output: output)
    }

    /// Starts one more process; one without a working directory begins where the first one did.
    public func startProcess(
        _ id: ContainerID, _ name: ProcessName, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        let system = try system(id)
        guard name != .initial else {
            throw DriverFailure(.invalidArgument, "'init' is the first process of every container; choose another name")
        }
        let directory = system.withState { $0.directory }
        let document = try ProcessDocument(process, path: "spec", directory: directory, stdin: stdin)
        return try system.startProcess(name, document, output: output)
    }

    /// Takes the compute system down, by force where it does not shut down in time.
    public func shutDown(_ id: ContainerID) throws(DriverFailure) -> ShutDown {
        let result = try system(id).shutDown()
        closed(id)
        return result
    }

    /// Ends the compute system by force and waits until it is gone.
    public func terminate(_ id: ContainerID) throws(DriverFailure) { try system(id).terminateAndWait() }

    /// Forgets the container, by force where HCS still has it. A compute system that another owner has by now is left
    /// alone.
    public func discard(_ id: ContainerID) throws(DriverFailure) {
        try end(id)
        systems.withLock { $0.removeUnopened(id) }
        closed(id)
    }

    private func end(_ id: ContainerID) throws(DriverFailure) {
        if let system = systems.withLock({ $0[id] }) {
            if system.isDisconnected {
                system.close()
            } else {
                try system.takeDown()
            }
            remove(system)
            // Unless its exit is certain, HCS may still have the system.
            if system.withState({ $0.exited != nil && !$0.assumedExited }) { return }
        }
        let left = ComputeSystem(id, isolation: .process, servicing: false, context: context)
        do throws(HostComputeError) {
            try left.attach(try context.openOwn(id).handle)
        } catch  where error.isGone || error.isForeign {
            return
        } catch {
            throw error.failure(left.subject)
        }
        do throws(DriverFailure) {
            try left.takeDown()
        } catch {
            // This handle is not used again, and while it is open the compute system can't go.
            left.close()
            throw error
        }
    }

    /// Asks HCS whether the container's processes still run, and reports exits whose notifications were lost. Costs one
    /// call for each running process. A second check of a container, while one is under way, does nothing.
    public func check(_ id: ContainerID) throws(DriverFailure) { try system(id).check() }

    // MARK: Operations

    /// Sends a console control event, or ends a process. A number is a console control code on Windows, and the number
    /// of a Linux signal with the emulator.
    public func signal(_ id: ContainerID, _ process: ProcessName, _ signal: Signal) throws(DriverFailure) {
        try system(id).signal(process, signal)
    }

    /// Freezes a container with Hyper-V isolation.
    public func pause(_ id: ContainerID) throws(DriverFailure) { try system(id).pause() }

    /// Lets a paused container run on.
    public func resume(_ id: ContainerID) throws(DriverFailure) { try system(id).resume() }

    /// Changes the size of a process's terminal.
    public func resize(_ id: ContainerID, _ process: ProcessName, _ size: ConsoleSize) throws(DriverFailure) {
        try system(id).resize(process, size)
    }

    /// What the container uses now.
    public func statistics(_ id: ContainerID) throws(DriverFailure) -> ContainerStatistics {
        try system(id).statistics()
    }

    /// The processes that run in the container, the first one first.
    public func processes(_ id: ContainerID) throws(DriverFailure) -> [ProcessSummary] {
        try system(id).processList()
    }

    /// Changes limits and network endpoints where HCS lets them be changed; the others are ignored and named.
    public func update(_ id: ContainerID, _ resources: OCIResources) throws(DriverFailure) -> UpdatedResources {
        var updated = try system(id).update(resources, processors: facts.processors)
        guard !isolates else { return updated }
        // An emulator takes limits as HCS would, and enforces none.
        let isEnforced = { (field: String) in field.hasPrefix("network.") }
        updated.ignored += updated.applied.filter { !isEnforced($0) }
        updated.applied.removeAll { !isEnforced($0) }
        return updated
    }

    // MARK: The table of ids

    func said(_ isolation: Isolation) -> Isolation { isolates ? isolation : .none }

    private func system(_ id: ContainerID) throws(DriverFailure) -> ComputeSystem {
        let (open, known) = systems.withLock { ($0[id], $0.unopened(id)) }
        if let open { return open }
        do throws(HostComputeError) {
            if let known, let system = try openUnopened(id, known) { return system }
        } catch {
            throw error.failure("container '\(id)'")
        }
        throw DriverFailure(.notFound, "there is no container '\(id)'; create it, or restore it")
    }

    func insert(_ system: ComputeSystem) throws(DriverFailure) {
        try systems.withLock { (systems) throws(DriverFailure) in try systems.insert(system) }
    }

    func remove(_ system: ComputeSystem) { systems.withLock { $0.remove(system) } }
}
