import ContainerDriver
import ContainerModel

/// The `config.json` of a container's bundle, made of the specification that was asked for. Pure, but for the questions
/// of ``BundleFacts``.
///
/// What a runtime understands goes through as it was given. What the driver decides itself is replaced, what the
/// operator's policy does not allow is refused, and the rest is reported as ignored.
struct BundleConfiguration {
    /// The document, without the root's path, which is not known before the root is made.
    private(set) var document: JSONObject
    private(set) var root = RootSource.busybox
    private(set) var network = ContainerNetwork.none
    private(set) var ignored: [String] = []
    private(set) var warnings: [String] = []
    /// The first process's working directory.
    private(set) var directory = "/"
    private(set) var hasTerminal = false
    private(set) var size: ConsoleSize?
    /// Whether the container has a process namespace of its own: the kernel then ends everything in it with its first
    /// process.
    private(set) var hasOwnProcesses = true

    private let facts: BundleFacts
    private let check: BundleCheck

    /// The version that both runtimes speak.
    static let version = "1.0.2"
    /// What a host name may have.
    private static let longestHostName = 63

    init(
        _ id: ContainerID, _ specification: JSON, policy: BundlePolicy, facts: BundleFacts
    ) throws(DriverFailure) {
        let filtered = KnownKeys.specification.filter(specification, at: "")
        document = filtered.value.object ?? JSONObject()
        ignored = filtered.ignored
        self.facts = facts
        check = BundleCheck(policy: policy, facts: facts)
        if specification["linux"]?["cgroupsPath"] != nil {
            warnings.append(
                "spec.linux.cgroupsPath is not honoured: every container has its place below this worker's own cgroup")
        }
        try check.check(filtered.value)
        document["ociVersion"] = .string(BundleConfiguration.version)
        try setProcess(specification["process"] ?? .null)
        try setRoot()
        if document["hostname"]?.string?.isEmpty ?? true {
            document["hostname"] = .string(String(id.rawValue.prefix(BundleConfiguration.longestHostName)))
        }
        setMounts()
        try setLinux()
    }

    /// The whole document, for a root at `path`.
    /// - Parameter namespace: a network namespace that was made for the container.
    func complete(root path: String, namespace: String? = nil) -> JSON {
        var complete = document
        complete[object: "root"]["path"] = .string(path)
        if let namespace {
            var linux = complete[object: "linux"]
            linux["namespaces"] = .array(
                (linux["namespaces"]?.array ?? []).filter { $0["type"]?.string != "network" }
                    + [["type": "network", "path": .string(namespace)]])
            complete["linux"] = .object(linux)
        }
        return .object(complete)
    }

    /// Whether hooks must run at the start, which only the runtime itself does.
    var hasStartHooks: Bool {
        guard let hooks = document["hooks"]?.object else { return false }
        return ["startContainer", "poststart"].contains { hooks[$0]?.array?.isEmpty == false }
    }

    // MARK: Parts

    private mutating func setProcess(_ given: JSON) throws(DriverFailure) {
        let process = try ProcessConfiguration(given, at: "spec.process")
        document["process"] = .object(process.document)
        directory = process.directory
        hasTerminal = process.hasTerminal
        size = process.size
    }

    private mutating func setRoot() throws(DriverFailure) {
        let annotations = document["annotations"]
        let path = document["root"]?["path"]?.string ?? ""
        let folders = try layers(annotations?["windlass.layers"])
        guard path.isEmpty || folders == nil else {
            throw DriverFailure(
                .invalidArgument, "spec has both root.path and the annotation windlass.layers; a root has one of them")
        }
        if let folders {
            root = .layers(
                try folders.enumerated().map { index, folder throws(DriverFailure) in
                    try self.folder(folder, "the layer \(index) of the annotation windlass.layers")
                })
        } else if !path.isEmpty {
            root = .folder(try folder(path, "spec.root.path"))
        } else if let source = annotations?["windlass.rootfs"]?.string, source != "busybox" {
            throw DriverFailure(
                .invalidArgument,
                "the annotation windlass.rootfs is \"\(source.prefix(100))\"; there is only busybox: name any other folder in "
                    + "root.path")
        } else if annotations?["windlass.rootfs"] == nil {
            throw DriverFailure(
                .invalidArgument,
                "spec.root.path is missing: name the folder of the root file system there, or folders in the annotation "
                    + "windlass.layers, or use the profile busybox")
        }
        let isReadOnly = document["root"]?["readonly"]?.bool ?? false
        document["root"] = ["readonly": .bool(isReadOnly)]
    }

    private func layers(_ annotation: JSON?) throws(DriverFailure) -> [String]? {
        guard let annotation else { return nil }
        guard let text = annotation.string, let folders = JSONParser.parse(text)?.strings,
            (1...64).contains(folders.count)
        else {
            throw DriverFailure(
                .invalidArgument,
                "the annotation windlass.layers must be the text of a JSON array of 1 to 64 folders, the base first")
        }
        return folders
    }

    private func folder(_ path: String, _ name: String) throws(DriverFailure) -> String {
        guard path.hasPrefix("/") else {
            throw DriverFailure(.invalidArgument, "\(name) must be an absolute path; it is \(path.prefix(200))")
        }
        guard let real = facts.resolve(path), facts.isFolder(real) else {
            throw DriverFailure(.invalidArgument, "\(name) is \(path.prefix(200)), which is no folder of this host")
        }
        // An overlay's options separate with these, and have no escape that every kernel knows.
        guard !real.contains(where: { $0 == ":" || $0 == "," || $0 == "\\" }) else {
            throw DriverFailure(
                .invalidArgument, "\(name) is \(path.prefix(200)), which must not have a : or , or \\ in it")
        }
        guard check.policy.allowsRoot(real) else {
            throw DriverFailure(
                .permissionDenied,
                "\(name) is \(path.prefix(200)), a part of the host's own system, which this host does not allow as a root; "
                    + "use another folder, or have the operator set oci_allow: [any-root]")
        }
        return real
    }

    /// The usual ones, unless the specification brings its own `/proc`: it is then complete.
    private mutating func setMounts() {
        var mounts: [JSON] = []
        for mount in document["mounts"]?.array ?? [] {
            guard var object = mount.object, BundleCheck.isBind(mount) else {
                mounts.append(mount)
                continue
            }
            // What was checked is what is mounted.
            if let source = object["source"]?.string, let real = facts.resolve(source) {
                object["source"] = .string(real)
            }
            object["type"] = "bind"
            let options = object["options"]?.strings ?? []
            if !options.contains(where: { $0 == "bind" || $0 == "rbind" }) {
                object["options"] = JSON(["rbind"] + options)
            }
            mounts.append(.object(object))
        }
        let destinations = Set(mounts.compactMap { $0["destination"]?.string })
        if !destinations.contains("/proc") {
            let missing = BundleDefaults.mounts.filter { !destinations.contains($0["destination"]?.string ?? "") }
            // Before the others, which may lie below them.
            mounts = missing + mounts
        }
        document["mounts"] = .array(mounts)
    }

    private mutating func setLinux() throws(DriverFailure) {
        var linux = document[object: "linux"]
        try setNamespaces(&linux)
        linux["cgroupsPath"] = .string(facts.cgroupsPath)
        var resources = linux[object: "resources"]
        resources["devices"] = .array([BundleDefaults.noDevices] + (resources["devices"]?.array ?? []))
        if resources["unified"] != nil, !facts.hasUnifiedCgroups {
            resources["unified"] = nil
            ignored.append("linux.resources.unified")
            warnings.append("spec.linux.resources.unified is not honoured: this host has cgroups of version 1")
        }
        linux["resources"] = .object(resources)
        setPaths(&linux, "maskedPaths", BundleDefaults.maskedPaths)
        setPaths(&linux, "readonlyPaths", BundleDefaults.readonlyPaths)
        document["linux"] = .object(linux)
    }

    /// The usual paths and the given ones; the given ones alone where the operator allows that.
    private func setPaths(_ linux: inout JSONObject, _ key: String, _ usual: [String]) {
        let given = linux[key]?.strings
        if let given, check.policy.allows(.unmaskedPaths) { return linux[key] = JSON(given) }
        linux[key] = JSON(usual + (given ?? []).filter { !usual.contains($0) })
    }

    private mutating func setNamespaces(_ linux: inout JSONObject) throws(DriverFailure) {
        var namespaces = linux["namespaces"]?.array ?? BundleDefaults.namespaces.map { ["type": .string($0)] }
        if let text = document["annotations"]?["windlass.network"]?.string {
            network = try ContainerNetwork(text)
            namespaces.removeAll { $0["type"]?.string == "network" }
            switch network {
            case .none, .cni: namespaces.append(["type": "network"])
            case .host:
                guard check.policy.allows(.hostNetwork) else { throw BundleConfiguration.denied(text, "host-network") }
            case .namespace(let path):
                guard check.isNetworkNamespace(path) || check.policy.allows(.hostNamespaces) else {
                    throw BundleConfiguration.denied(text, "host-namespaces")
                }
                namespaces.append(["type": "network", "path": .string(path)])
            }
        } else if linux["namespaces"] == nil {
            namespaces.append(["type": "network"])
        }
        linux["namespaces"] = .array(namespaces)
        hasOwnProcesses = namespaces.contains { $0["type"]?.string == "pid" && ($0["path"]?.string ?? "").isEmpty }
    }

    private static func denied(_ network: String, _ permission: String) -> DriverFailure {
        DriverFailure(
            .permissionDenied,
            "the annotation windlass.network is \(network.prefix(200)), which this host does not allow; choose another, or have "
                + "the operator set oci_allow: [\(permission)]")
    }
}
