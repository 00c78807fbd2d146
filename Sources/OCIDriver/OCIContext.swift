import ContainerDriver
import ContainerModel
import Dispatch
import Synchronization
import Threads

/// What all containers of one driver share.
final class OCIContext: Sendable {
    let configuration: OCIConfiguration
    let runtime: Runtime
    let mounts: CgroupMounts
    let clock = HostClock.current
    let reactor: Reactor
    /// What need not be waited for: the removal of what ended containers leave.
    let background: WorkThread
    private let receiver = Mutex<(any DriverEvents)?>(nil)

    init(_ configuration: OCIConfiguration, _ runtime: Runtime, _ mounts: CgroupMounts) throws(DriverFailure) {
        guard let reactor = Reactor(), let background = WorkThread("oci-removal") else {
            throw DriverFailure(.resourceExhausted, "the system gives no threads to the driver", retryable: true)
        }
        self.configuration = configuration
        self.runtime = runtime
        self.mounts = mounts
        self.reactor = reactor
        self.background = background
    }

    var events: (any DriverEvents)? { receiver.withLock { $0 } }
    func connect(_ events: any DriverEvents) { receiver.withLock { $0 = events } }

    func paths(_ id: ContainerID) -> ContainerPaths { ContainerPaths(root: configuration.containers, id) }

    func cgroup(_ id: ContainerID) -> ContainerCgroup {
        ContainerCgroup(mounts: mounts, group: configuration.group + "/" + id.rawValue)
    }

    var networks: CNI { CNI(configurations: configuration.networks, plugins: configuration.networkPlugins) }

    /// Connects to the supervisor of a container; nil where none answers.
    func supervisor(_ paths: ContainerPaths) -> (any Supervisor)? {
        WindlassSupervisor(
            bundle: paths.bundle, reactor: reactor, patience: .milliseconds(configuration.patience))
    }

    /// Where supervisors are, so that systemd does not end them with the worker's unit; nil where there is no systemd.
    var supervisorGroup: String? {
        guard FolderTree.isFolder("/run/systemd/system") else { return nil }
        let point = mounts.isUnified ? mounts.unified : mounts.controllers["systemd"]
        return point.map { $0 + configuration.group + "/supervisors" }
    }
}
