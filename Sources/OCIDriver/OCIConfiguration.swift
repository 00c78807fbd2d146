/// How a driver of OCI runtimes works on this host.
public struct OCIConfiguration: Sendable {
    /// What the containers of this worker are marked with, and found by after a restart.
    public var owner: String
    /// A durable folder for the containers' bundles.
    public var stateDirectory: String
    /// A folder for what does not outlive a boot.
    public var runDirectory: String
    /// `auto`, `runc`, `crun`, or the path of a runtime.
    public var runtime = "auto"
    /// The path of `windlass-supervisor`.
    public var supervisor: String
    /// What specifications may ask for.
    public var policy = BundlePolicy()
    /// The folder with the configurations of CNI networks.
    public var networks = "/etc/cni/net.d"
    /// The folders with CNI plugins.
    public var networkPlugins = ["/opt/cni/bin", "/usr/lib/cni"]
    /// Bytes of a process's output that are kept while no worker reads it.
    public var outputBytes: UInt64 = 8 << 20
    /// Milliseconds that a supervisor, and the runtime that it runs, may take to answer.
    public var patience = 60_000

    /// - Parameter owner: as in ``owner``; its letters, digits and hyphens name folders and cgroups.
    public init(owner: String, stateDirectory: String, supervisor: String, runDirectory: String? = nil) {
        self.owner = owner
        self.stateDirectory = stateDirectory
        self.supervisor = supervisor
        self.runDirectory = runDirectory ?? "/run/windlass/" + OCIConfiguration.name(owner)
    }

    /// The owner as a name of folders and cgroups.
    static func name(_ owner: String) -> String {
        let text = owner.hasPrefix("windlass:") ? String(owner.dropFirst(9)) : owner
        return String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "-" })
    }

    /// The cgroup that the containers' groups are in, below every hierarchy's root.
    var group: String { "/windlass/" + OCIConfiguration.name(owner) }
    /// The folder with a folder for each container.
    var containers: String { stateDirectory + "/containers" }
    /// The root that the profile `busybox` stands on.
    var busybox: String { stateDirectory + "/busybox" }
    /// The runtime's own state.
    var runtimeRoot: String { runDirectory + "/runtime" }
    /// The network namespaces that the driver makes.
    var namespaces: String { runDirectory + "/netns" }
}
