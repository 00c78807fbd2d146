/// The keys of an OCI specification that reach the runtime, as a tree. What is not in it is reported as ignored.
indirect enum KnownKeys: Sendable {
    /// Everything below goes through.
    case anything
    case object([String: KnownKeys])
    case array(KnownKeys)

    /// Takes out of `value` what is not known.
    /// - Returns: what is left, and the dotted paths of what was taken out, each with `path` before it.
    func filter(_ value: JSON, at path: String) -> (value: JSON, ignored: [String]) {
        switch self {
        case .anything: return (value, [])
        case .array(let element):
            guard let values = value.array else { return (value, []) }
            var (kept, ignored): ([JSON], [String]) = ([], [])
            for (index, value) in values.enumerated() {
                let filtered = element.filter(value, at: "\(path)[\(index)]")
                kept.append(filtered.value)
                ignored += filtered.ignored
            }
            return (.array(kept), ignored)
        case .object(let known):
            guard let object = value.object else { return (value, []) }
            var (kept, ignored) = (JSONObject(), [String]())
            for key in object.keys {
                guard let value = object[key], value != .null else { continue }
                let place = path.isEmpty ? key : "\(path).\(key)"
                guard let below = known[key] else {
                    ignored.append(place)
                    continue
                }
                let filtered = below.filter(value, at: place)
                kept[key] = filtered.value
                ignored += filtered.ignored
            }
            return (.object(kept), ignored)
        }
    }

    private static func keys(_ names: String, _ more: [String: KnownKeys] = [:]) -> KnownKeys {
        let plain = names.split(separator: " ").map { (String($0), KnownKeys.anything) }
        return .object(Dictionary(plain) { first, _ in first }.merging(more) { $1 })
    }

    /// `process`, of a container and of an exec.
    static let process = keys(
        "terminal args env cwd noNewPrivileges apparmorProfile selinuxLabel oomScoreAdj",
        [
            "consoleSize": keys("width height"),
            "user": keys("uid gid umask additionalGids"),
            "capabilities": keys("bounding effective inheritable permitted ambient"),
            "rlimits": .array(keys("type soft hard")),
        ])

    /// `linux.resources`, of a container and of an update.
    static let resources = keys(
        "unified",
        [
            "memory": keys(
                "limit reservation swap kernelTCP swappiness disableOOMKiller useHierarchy checkBeforeUpdate"),
            "cpu": keys("shares quota period realtimeRuntime realtimePeriod cpus mems"),
            "pids": keys("limit"),
            "blockIO": .anything,
            "hugepageLimits": .array(keys("pageSize limit")),
            "network": .anything,
            "rdma": .anything,
            "devices": .array(keys("allow type major minor access")),
        ])

    /// A whole specification.
    static let specification = keys(
        "ociVersion hostname annotations hooks",
        [
            "process": process,
            "root": keys("path readonly"),
            "mounts": .array(keys("destination type source options uidMappings gidMappings")),
            "linux": keys(
                "sysctl maskedPaths readonlyPaths mountLabel rootfsPropagation seccomp",
                [
                    "namespaces": .array(keys("type path")),
                    "uidMappings": .array(keys("containerID hostID size")),
                    "gidMappings": .array(keys("containerID hostID size")),
                    "devices": .array(keys("type path major minor fileMode uid gid")),
                    "resources": resources,
                ]),
        ])
}
