import ContainerDriver

/// Holds a specification against the operator's policy. Pure, but for the questions of ``BundleFacts``.
struct BundleCheck {
    let policy: BundlePolicy
    let facts: BundleFacts

    /// - Parameter specification: as it was given, without what reaches no runtime.
    func check(_ specification: JSON) throws(DriverFailure) {
        if let hooks = specification["hooks"]?.object, !hooks.isEmpty {
            try require(.hooks, "spec.hooks run programs on the host as root")
        }
        try check(process: specification["process"], at: "spec.process")
        for (index, mount) in (specification["mounts"]?.array ?? []).enumerated() {
            try check(mount: mount, at: "spec.mounts[\(index)]")
        }
        guard let linux = specification["linux"] else { return }
        try check(namespaces: linux["namespaces"]?.array)
        if linux["devices"]?.array?.isEmpty == false {
            try require(.devices, "spec.linux.devices gives the container devices of the host")
        }
        try check(resources: linux["resources"], at: "spec.linux.resources")
        try check(sysctl: linux["sysctl"]?.object)
        if linux["seccomp"]?["listenerPath"] != nil {
            try require(.seccompListener, "spec.linux.seccomp.listenerPath hands decisions to another process")
        }
        if let propagation = linux["rootfsPropagation"]?.string, propagation.hasSuffix("shared") {
            try require(.anyMount, "spec.linux.rootfsPropagation \(propagation) lets mounts reach the host")
        }
    }

    /// A process of a container, or an exec.
    func check(process: JSON?, at path: String) throws(DriverFailure) {
        guard let process else { return }
        for kind in process["capabilities"]?.object?.keys ?? [] {
            for name in process["capabilities"]?[kind]?.strings ?? [] where !policy.capabilities.contains(name) {
                throw denied(
                    "\(path).capabilities.\(kind) has \(name.prefix(40))", "oci_capabilities: [\(name.prefix(40))]")
            }
        }
        if let score = process["oomScoreAdj"]?.integer, score < 0 {
            try require(.lowOOMScore, "\(path).oomScoreAdj is below 0")
        }
    }

    /// Limits, of a container or of an update.
    func check(resources: JSON?, at path: String) throws(DriverFailure) {
        for (index, rule) in (resources?["devices"]?.array ?? []).enumerated() where rule["allow"]?.bool == true {
            try require(.devices, "\(path).devices[\(index)] allows a device of the host")
        }
    }

    // MARK: Parts

    private func check(namespaces: [JSON]?) throws(DriverFailure) {
        guard let namespaces else { return }
        let types = namespaces.compactMap { $0["type"]?.string }
        for type in ["pid", "mount", "ipc", "uts"] where !types.contains(type) {
            try require(
                .hostNamespaces, "spec.linux.namespaces has no \(type), so the container would be in the host's")
        }
        if !types.contains("network") {
            try require(.hostNetwork, "spec.linux.namespaces has no network, so the container would be in the host's")
        }
        for (index, namespace) in namespaces.enumerated() {
            guard let path = namespace["path"]?.string, !path.isEmpty else { continue }
            if namespace["type"]?.string == "network", isNetworkNamespace(path) { continue }
            try require(.hostNamespaces, "spec.linux.namespaces[\(index)].path is \(path.prefix(100))")
        }
    }

    /// Whether `path` is a namespace that was made for containers.
    func isNetworkNamespace(_ path: String) -> Bool {
        guard let real = facts.resolve(path) else { return false }
        return real.hasPrefix("/run/netns/") || real.hasPrefix("/var/run/netns/")
    }

    private func check(mount: JSON, at path: String) throws(DriverFailure) {
        let options = mount["options"]?.strings ?? []
        guard let destination = mount["destination"]?.string, destination.hasPrefix("/") else {
            throw DriverFailure(.invalidArgument, "\(path).destination must be an absolute path inside the container")
        }
        if let option = options.first(where: { ["shared", "rshared", "remount"].contains($0) }) {
            try require(.anyMount, "\(path) has the option \(option)")
        }
        let type = mount["type"]?.string ?? ""
        if BundleCheck.isBind(mount) {
            try check(bind: mount, at: path, readOnly: options.contains("ro"))
        } else if !isOrdinary(type, destination, options) {
            try require(
                .anyMount,
                "\(path) mounts \(type.isEmpty ? "nothing that is known" : type.prefix(40)) at \(destination.prefix(100))"
            )
        }
    }

    /// Whether a mount shows a folder or file of the host.
    static func isBind(_ mount: JSON) -> Bool {
        let type = mount["type"]?.string ?? ""
        return type.isEmpty || type == "bind"
            || (mount["options"]?.strings ?? []).contains { $0 == "bind" || $0 == "rbind" }
    }

    private func check(bind mount: JSON, at path: String, readOnly: Bool) throws(DriverFailure) {
        guard let source = mount["source"]?.string, source.hasPrefix("/") else {
            throw DriverFailure(.invalidArgument, "\(path).source must be an absolute path of the host")
        }
        guard let real = facts.resolve(source) else {
            throw DriverFailure(
                .invalidArgument, "\(path).source is \(source.prefix(200)), which this host does not have")
        }
        guard policy.allowsMount(of: real, readOnly: readOnly) else {
            throw denied(
                "\(path).source is \(source.prefix(200))\(readOnly ? "" : ", to be written to")",
                "oci_mounts: [\(real.prefix(200))\(readOnly ? ":ro" : "")]")
        }
    }

    /// A second `/proc` would show what is hidden in the first one, and a cgroup that can be written to is a way out.
    private func isOrdinary(_ type: String, _ destination: String, _ options: [String]) -> Bool {
        switch type {
        case "proc": destination == "/proc"
        case "sysfs": destination == "/sys" && options.contains("ro")
        case "cgroup", "cgroup2": options.contains("ro")
        case "tmpfs", "devpts", "mqueue": true
        default: false
        }
    }

    private func check(sysctl: JSONObject?) throws(DriverFailure) {
        for key in sysctl?.keys ?? [] where !BundleCheck.isNamespaced(key) {
            throw DriverFailure(
                .permissionDenied,
                "spec.linux.sysctl.\(key.prefix(100)) is the whole host's, and no container may change it; leave it out"
            )
        }
    }

    private static func isNamespaced(_ sysctl: String) -> Bool {
        sysctl.hasPrefix("net.") || sysctl.hasPrefix("fs.mqueue.") || sysctl.hasPrefix("kernel.msg")
            || sysctl.hasPrefix("kernel.shm") || sysctl == "kernel.sem"
    }

    // MARK: Refusals

    private func require(_ permission: Permission, _ what: String) throws(DriverFailure) {
        guard !policy.allows(permission) else { return }
        throw denied(what, "oci_allow: [\(permission.rawValue)]")
    }

    private func denied(_ what: String, _ setting: String) -> DriverFailure {
        DriverFailure(
            .permissionDenied,
            "\(what), which this host does not allow; leave it out, or have the operator set \(setting)")
    }
}
