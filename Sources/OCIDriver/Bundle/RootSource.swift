/// What a container's root file system is made of.
enum RootSource: Equatable, Sendable {
    /// A folder of the host.
    case folder(String)
    /// Folders on top of each other, the base first, and above them one that only this container writes to.
    case layers([String])
    /// A folder that the driver makes from the host's busybox.
    case busybox
}
