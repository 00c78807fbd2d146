import ContainerDriver

/// The mount options of a container's overlay. Pure.
struct OverlayOptions {
    let text: String

    /// The kernel takes one page of options.
    private static let longest = 4000

    /// - Parameter layers: the base first. Their paths have neither `:` nor `,` nor `\`.
    init(layers: [String], upper: String, work: String) throws(DriverFailure) {
        for path in [upper, work] where path.contains(where: { $0 == ":" || $0 == "," || $0 == "\\" }) {
            throw DriverFailure(
                .failedPrecondition,
                "the worker's state directory has a : or , or \\ in its path (\(path)), which an overlay "
                    + "cannot have; set state_dir to another")
        }
        text = "lowerdir=\(layers.reversed().joined(separator: ":")),upperdir=\(upper),workdir=\(work)"
        guard text.utf8.count <= OverlayOptions.longest else {
            throw DriverFailure(
                .invalidArgument,
                "the paths of the \(layers.count) layers are too long together for one mount; use shorter "
                    + "paths or fewer layers")
        }
    }
}
