/// What specifications may ask for on this host. The operator's configuration makes it; no request can widen it.
public struct BundlePolicy: Sendable, Equatable {
    /// What is allowed beyond the ordinary.
    public var allowed: Set<Permission>
    /// The host folders that may be mounted.
    public var folders: [HostFolder]
    /// Capabilities that processes may have, those of ``ordinaryCapabilities`` included.
    public var capabilities: Set<String>

    /// A policy that allows so much beyond the ordinary.
    /// - Parameter capabilities: names such as `CAP_NET_ADMIN`.
    public init(allowed: Set<Permission> = [], folders: [HostFolder] = [], capabilities: some Sequence<String> = []) {
        self.allowed = allowed
        self.folders = folders
        self.capabilities = Set(BundlePolicy.ordinaryCapabilities).union(capabilities)
    }

    /// What a process has whose specification says nothing, and the most that it may have unless the operator allows
    /// more.
    static let ordinaryCapabilities = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ]

    /// Folders of the host's own system: none of them, and nothing that they lie in, is a container's root.
    private static let systemFolders = [
        "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr",
        "/var/lib",
        "/var/run",
    ]

    func allows(_ permission: Permission) -> Bool { allowed.contains(permission) }

    /// Whether a host path, without symbolic links in it, may be mounted.
    func allowsMount(of path: String, readOnly: Bool) -> Bool {
        folders.contains { $0.holds(path) && (readOnly || !$0.isReadOnly) }
    }

    /// Whether a folder, without symbolic links in it, may be a container's root.
    func allowsRoot(_ path: String) -> Bool {
        if allows(.anyRoot) { return true }
        return !BundlePolicy.systemFolders.contains { folder in
            path == "/" || path == folder || folder.hasPrefix(path + "/")
                || (folder != "/var/lib" && path.hasPrefix(folder + "/"))
        }
    }
}
