/// What making a bundle needs to know of the host.
struct BundleFacts: Sendable {
    /// The container's cgroup, below every hierarchy's root.
    var cgroupsPath: String
    /// Whether the host has cgroup v2.
    var hasUnifiedCgroups: Bool
    /// A path without symbolic links in it; nil where it names nothing.
    var resolve: @Sendable (String) -> String?
    /// Whether a path is a folder.
    var isFolder: @Sendable (String) -> Bool
}
