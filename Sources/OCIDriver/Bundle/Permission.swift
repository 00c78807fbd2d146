/// What an operator can allow the specifications of a host to ask for; the names are those of the setting `oci_allow`.
/// Each of them gives those who may create containers power over the host.
public enum Permission: String, Sendable, CaseIterable {
    /// Programs that the runtime runs on the host, as root.
    case hooks
    /// Devices of the host.
    case devices
    /// The host's network.
    case hostNetwork = "host-network"
    /// Other namespaces of the host, and namespaces by path outside `/run/netns`.
    case hostNamespaces = "host-namespaces"
    /// Mount types beyond those that containers need, and mounts that propagate to the host.
    case anyMount = "any-mount"
    /// A root folder that belongs to the host's own system.
    case anyRoot = "any-root"
    /// The parts of `/proc` and `/sys` that are hidden or read-only otherwise.
    case unmaskedPaths = "unmasked-paths"
    /// To be spared by the kernel when memory runs out.
    case lowOOMScore = "low-oom-score"
    /// A seccomp listener: another process decides about system calls.
    case seccompListener = "seccomp-listener"
}
