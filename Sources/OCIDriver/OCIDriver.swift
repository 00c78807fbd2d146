import CLinuxContainers
public import ContainerDriver
public import ContainerModel
import Glibc
import Synchronization
import Threads

/// Runs containers with an OCI runtime of this host (crun, runc), each under a supervisor of its own that outlives the
/// worker.
///
/// It needs root. What it makes is in the folders of ``OCIConfiguration`` and in the cgroup of its owner.
public final class OCIDriver: ContainerDriver {
    public let name = "oci"
    /// The runtime and its version.
    public let version: String
    public let capabilities: Set<Capability> = [
        .processIsolation, .pause, .exec, .terminal, .stdin, .statistics, .signals, .restore, .updateResources,
    ]
    /// The specification is the runtime's own, and is handed on.
    public var readsDocuments: Bool { true }
    /// Which runtime was chosen, and why.
    public let choice: String

    struct State {
        var containers: [ContainerID: OCIContainer] = [:]
        /// Containers that were adopted unstarted and that no call has needed yet.
        var unopened: Set<ContainerID> = []
        /// Containers that have ended and are being removed.
        var removing: Set<ContainerID> = []
    }

    let context: OCIContext
    let state = Watched(State())

    /// Chooses the runtime, which is tried out.
    /// - Throws: `unavailable` where no runtime works, with the reasons; `permissionDenied` without root.
    public init(_ configuration: OCIConfiguration) throws(DriverFailure) {
        guard geteuid() == 0 else {
            throw DriverFailure(.permissionDenied, "containers need root; start the worker as root")
        }
        guard access(configuration.supervisor, X_OK) == 0 else {
            throw DriverFailure(
                .unavailable,
                "there is no program \(configuration.supervisor); install it beside windlass, or set oci_supervisor")
        }
        let mounts = CgroupMounts(mountInfo: HostFile.text("/proc/self/mountinfo", limit: 8 << 20) ?? "")
        guard !mounts.points.isEmpty else {
            throw DriverFailure(.unavailable, "this host has no cgroups mounted; mount them at /sys/fs/cgroup")
        }
        let folder = configuration.runDirectory + "/probe-\(getpid())"
        let probe = RuntimeProbe(
            folder: folder, root: BusyboxRoot(folder: configuration.busybox), mounts: mounts,
            group: configuration.group + "/probe-\(getpid())")
        let finding = try probe.find(configuration.runtime)
        version = finding.runtime.description
        choice = finding.reason
        context = try OCIContext(configuration, finding.runtime, mounts)
        // A container whose supervisor is killed becomes this process's child, which then learns its exit code.
        _ = lc_become_subreaper()
    }

    /// Sets the receiver of the driver's events. Called once, before any other call.
    public func connect(_ events: any DriverEvents) { context.connect(events) }

    // MARK: Life

    /// The `config.json` of the bundle.
    public func plan(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> ContainerPlan {
        let bundle = try bundle(id, specification)
        let root =
            if case .folder(let folder) = bundle.root { folder } else { context.paths(id).root }
        let document = bundle.complete(root: root)
        var loggable = document.object ?? JSONObject()
        loggable[object: "process"]["env"] = "(masked)"
        return ContainerPlan(
            document: document.text, loggable: JSON.object(loggable).text, warnings: bundle.warnings,
            ignored: bundle.ignored)
    }

    /// Makes the bundle, and has a supervisor run the runtime's `create`.
    public func create(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> CreatedContainer {
        let bundle = try bundle(id, specification)
        awaitRemoval(id)
        let container = try OCIContainer.create(id, bundle, context)
        state.withLock { $0.containers[id] = container }
        return CreatedContainer(
            isolation: .process, canPause: true, warnings: bundle.warnings, ignored: bundle.ignored)
    }

    private func bundle(
        _ id: ContainerID, _ specification: OCISpecification
    ) throws(DriverFailure) -> BundleConfiguration {
        let facts = BundleFacts(
            cgroupsPath: context.cgroup(id).group, hasUnifiedCgroups: context.mounts.isUnified,
            resolve: FolderTree.resolve, isFolder: FolderTree.isFolder)
        return try BundleConfiguration(
            id, GivenDocument.specification(specification), policy: context.configuration.policy, facts: facts)
    }

    /// Lets the first process run, which was given to the runtime with ``create(_:_:)``.
    public func start(
        _ id: ContainerID, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        try container(id).start(stdin: stdin, output: output)
    }

    /// Starts one more process; one without a working directory begins where the first one did.
    public func startProcess(
        _ id: ContainerID, _ name: ProcessName, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        guard name != .initial else {
            throw DriverFailure(.invalidArgument, "'init' is the first process of every container; choose another name")
        }
        return try container(id).startProcess(name, GivenDocument.process(process), stdin: stdin, output: output)
    }

    /// Ends a container whose first process has ended. What is left of it is removed in the background.
    public func shutDown(_ id: ContainerID) throws(DriverFailure) -> ShutDown {
        let container = try container(id)
        try container.shutDown()
        state.withLock { state in
            state.containers[id] = nil
            state.removing.insert(id)
        }
        context.background.run { [self] in
            _ = container.remove()
            state.withLock { _ = $0.removing.remove(id) }
        }
        return ShutDown(updatePending: false, forced: false)
    }

    /// Ends every process of the container.
    public func terminate(_ id: ContainerID) throws(DriverFailure) { try container(id).terminate() }

    /// Removes everything that there is of the container.
    public func discard(_ id: ContainerID) throws(DriverFailure) {
        awaitRemoval(id)
        let container = state.withLock { state in
            state.unopened.remove(id)
            return state.containers.removeValue(forKey: id)
        }
        let paths = context.paths(id)
        let left: String?
        if let container {
            left = container.remove()
            _ = container.waitForExits(milliseconds: 0)
        } else {
            guard HostFile.exists(paths.bundle) else { return }
            let file = HostFile.bytes(paths.record).flatMap(ContainerFile.init)
            // Another worker's is left alone.
            if let file, file.owner != context.configuration.owner { return }
            left = ContainerRemoval(id: id, context: context).run(file, context.supervisor(paths))
        }
        if let left {
            throw DriverFailure(
                .internal, "container '\(id)' has ended, and this is left of it: \(left)", retryable: true)
        }
    }

    /// Waits for a container of this id that has ended and is being removed.
    private func awaitRemoval(_ id: ContainerID) {
        _ = state.wait(milliseconds: context.configuration.patience) { $0.removing.contains(id) ? nil : true }
    }

    // MARK: Operations

    public func signal(_ id: ContainerID, _ process: ProcessName, _ signal: Signal) throws(DriverFailure) {
        try container(id).signal(process, signal)
    }

    public func pause(_ id: ContainerID) throws(DriverFailure) { try container(id).cgroup.freeze(true) }

    public func resume(_ id: ContainerID) throws(DriverFailure) { try container(id).cgroup.freeze(false) }

    public func resize(_ id: ContainerID, _ process: ProcessName, _ size: ConsoleSize) throws(DriverFailure) {
        try container(id).resize(process, size)
    }

    /// Read from the files of its cgroup, without any process.
    public func statistics(_ id: ContainerID) throws(DriverFailure) -> ContainerStatistics {
        try container(id).statistics
    }

    public func processes(_ id: ContainerID) throws(DriverFailure) -> [ProcessSummary] { try container(id).processList }

    /// Changes limits in the files of its cgroup.
    public func update(_ id: ContainerID, _ resources: OCIResources) throws(DriverFailure) -> UpdatedResources {
        try container(id).update(GivenDocument.resources(resources))
    }

    /// Whether what the driver needs of the host is still there.
    public func probe() throws(DriverFailure) {
        for program in [context.runtime.path, context.configuration.supervisor] where access(program, X_OK) != 0 {
            throw DriverFailure(
                .unavailable, "the program \(program) is gone, so no container can be created; install it again",
                retryable: true)
        }
    }

    /// Waits for the removal of what has ended, and removes the folders and cgroups of this owner that are empty then.
    /// Nothing is called after it.
    public func close() {
        _ = state.wait(milliseconds: OCIDriver.closePatience) { $0.removing.isEmpty ? true : nil }
        let configuration = context.configuration
        for point in context.mounts.points {
            for group in ["/supervisors", ""] { rmdir(point + configuration.group + group) }
            rmdir(point + "/windlass")
        }
        for folder in [configuration.runtimeRoot, configuration.namespaces, configuration.runDirectory] {
            rmdir(folder)
        }
        rmdir("/run/windlass")
    }

    private static let closePatience = 10_000

    // MARK: The containers

    func container(_ id: ContainerID) throws(DriverFailure) -> OCIContainer {
        let (open, isUnopened) = state.withLock { ($0.containers[id], $0.unopened.contains(id)) }
        if let open { return open }
        if isUnopened { return try openUnstarted(id) }
        throw DriverFailure(.notFound, "there is no container '\(id)'; create it, or restore it")
    }
}
