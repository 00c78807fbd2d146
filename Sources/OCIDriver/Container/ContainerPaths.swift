import ContainerModel

/// Where the things of one container are.
struct ContainerPaths: Sendable {
    /// The bundle, which is also the container's folder.
    let bundle: String

    init(root: String, _ id: ContainerID) { bundle = root + "/" + id.rawValue }

    var configuration: String { bundle + "/config.json" }
    /// The driver's record.
    var record: String { bundle + "/container.json" }
    var supervisor: String { bundle + "/supervisor.pid" }
    /// Where an overlay is mounted.
    var root: String { bundle + "/rootfs" }
    /// What the container writes into its overlay.
    var upper: String { bundle + "/upper" }
    var work: String { bundle + "/work" }
    var processes: String { bundle + "/processes" }

    /// What the supervisor keeps of a process.
    func spool(_ process: ProcessName) -> SpoolFile { SpoolFile(path: processes + "/\(process).spool") }
    /// What the runtime logged when it made the process.
    func log(_ process: ProcessName) -> String { processes + "/\(process).log" }
    /// The OCI process of an exec.
    func specification(_ process: ProcessName) -> String { processes + "/\(process).json" }
}
