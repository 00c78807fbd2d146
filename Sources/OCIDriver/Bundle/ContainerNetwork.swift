import ContainerDriver

/// Which network a container is in.
enum ContainerNetwork: Equatable, Sendable {
    /// A namespace of its own with a loopback device only.
    case none
    /// The host's.
    case host
    /// A namespace that others have made.
    case namespace(path: String)
    /// A namespace of its own, which the plugins of this CNI configuration connect.
    case cni(name: String)

    /// Reads `none`, `host`, `netns:PATH` or `cni:NAME`.
    init(_ text: String) throws(DriverFailure) {
        switch text {
        case "none": self = .none
        case "host": self = .host
        default:
            if let path = ContainerNetwork.rest(of: text, after: "netns:"), path.hasPrefix("/") {
                self = .namespace(path: path)
            } else if let name = ContainerNetwork.rest(of: text, after: "cni:"), ContainerNetwork.isName(name) {
                self = .cni(name: name)
            } else {
                throw DriverFailure(
                    .invalidArgument,
                    "spec.annotations.windlass.network is \"\(text.prefix(100))\"; it must be none, host, netns:PATH or "
                        + "cni:NAME")
            }
        }
    }

    private static func rest(of text: String, after prefix: String) -> String? {
        text.hasPrefix(prefix) && text.count > prefix.count ? String(text.dropFirst(prefix.count)) : nil
    }

    /// The alphabet of the names of CNI networks.
    private static func isName(_ name: String) -> Bool {
        name.utf8.count <= 128
            && name.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789_.-".unicodeScalars.contains($0))
            }
            && name.first != "." && name.first != "-"
    }
}
