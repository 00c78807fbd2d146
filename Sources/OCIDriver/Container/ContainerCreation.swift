import CLinuxContainers
import ContainerDriver
import ContainerModel
import Glibc

/// Makes a container's folder and starts its supervisor, step by step; each step is recorded before it is done, so that
/// another worker can undo it.
struct ContainerCreation {
    let id: ContainerID
    let context: OCIContext
    let bundle: BundleConfiguration
    private(set) var file: ContainerFile

    private var paths: ContainerPaths { context.paths(id) }

    init(_ id: ContainerID, _ context: OCIContext, _ bundle: BundleConfiguration) {
        self.id = id
        self.context = context
        self.bundle = bundle
        file = ContainerFile(
            owner: context.configuration.owner, boot: context.clock.boot, runtime: context.runtime.path)
        file.directory = bundle.directory
        file.hasTerminal = bundle.hasTerminal
        file.hasOwnProcesses = bundle.hasOwnProcesses
        file.hasHooks = bundle.document["hooks"]?.object?.isEmpty == false
        if case .cni(let name) = bundle.network {
            file.network = name
            file.namespace = context.configuration.namespaces + "/" + id.rawValue
        }
        if case .folder = bundle.root { file.isMounted = false } else { file.isMounted = true }
    }

    /// Takes the id.
    /// - Throws: `alreadyExists` where it is taken; nothing has been done then.
    func takeFolder() throws(DriverFailure) {
        do throws(HostError) {
            try FolderTree.make(context.configuration.containers)
        } catch {
            throw error.failure
        }
        guard mkdir(paths.bundle, 0o700) == 0 else {
            if errno == EEXIST {
                throw DriverFailure(
                    .alreadyExists, "there is already a container '\(id)' on this host; choose another id, or delete it"
                )
            }
            throw HostError("making the folder", paths.bundle).failure
        }
    }

    /// Everything up to a supervisor that runs the runtime's `create`.
    mutating func run() throws(DriverFailure) {
        do throws(HostError) {
            try HostFile.replace(paths.record, with: file.bytes)
            try FolderTree.make(paths.processes)
            try FolderTree.make(context.configuration.runtimeRoot)
        } catch {
            throw error.failure
        }
        let root = try makeRoot()
        try makeNetwork()
        do throws(HostError) {
            try HostFile.replace(
                paths.configuration, with: bundle.complete(root: root, namespace: file.namespace).bytes)
        } catch {
            throw error.failure
        }
        try startSupervisor()
    }

    private func makeRoot() throws(DriverFailure) -> String {
        let layers: [String]
        switch bundle.root {
        case .folder(let folder): return folder
        case .layers(let folders): layers = folders
        case .busybox:
            let busybox = BusyboxRoot(folder: context.configuration.busybox)
            try busybox.make()
            layers = [busybox.folder]
        }
        let options = try OverlayOptions(layers: layers, upper: paths.upper, work: paths.work)
        do throws(HostError) {
            for folder in [paths.upper, paths.work, paths.root] { try FolderTree.make(folder, mode: 0o755) }
        } catch {
            throw error.failure
        }
        let error = lc_mount_overlay(paths.root, options.text)
        guard error == 0 else {
            throw DriverFailure(
                .failedPrecondition,
                "the overlay of the container's layers cannot be mounted: \(String(cString: strerror(-error))); state_dir must not "
                    + "be on an overlay itself: set it to a folder of a disk, or give the container a folder in root.path"
            )
        }
        return paths.root
    }

    private mutating func makeNetwork() throws(DriverFailure) {
        guard let namespace = file.namespace, let name = file.network else { return }
        let network = try context.networks.configuration(name)
        do throws(HostError) {
            try FolderTree.make(context.configuration.namespaces)
        } catch {
            throw error.failure
        }
        let error = lc_make_network_namespace(namespace)
        guard error == 0 else { throw HostError("making the network namespace", namespace, code: -error).failure }
        file.networkResult = try context.networks.add(network, id, namespace: namespace)?.text
        do throws(HostError) {
            try HostFile.replace(paths.record, with: file.bytes)
        } catch {
            throw error.failure
        }
    }

    private func startSupervisor() throws(DriverFailure) {
        let configuration = context.configuration
        let start = context.runtime.startWay(hasHooks: bundle.hasStartHooks)
        var arguments = [
            configuration.supervisor, "--bundle", paths.bundle, "--id", id.rawValue, "--runtime", context.runtime.path,
            "--root", configuration.runtimeRoot, "--start", start.rawValue, "--spool-limit",
            "\(configuration.outputBytes)",
            "--stdin",
        ]
        if bundle.hasTerminal { arguments.append("--terminal") }
        if let group = context.supervisorGroup { arguments += ["--cgroup", group] }
        if let events = context.cgroup(id).outOfMemoryEvents { arguments += ["--memory-events", events] }
        let outcome = HostProgram.run(arguments, milliseconds: configuration.patience)
        guard outcome.isSuccess else {
            throw DriverFailure(
                .unavailable, "the supervisor of the container could not be started: \(outcome.text.prefix(500))",
                retryable: true)
        }
    }
}
