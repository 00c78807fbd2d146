import ContainerDriver

/// A CNI network: its plugins in order, and what each is given. Pure.
struct CNIConfiguration: Equatable {
    let name: String
    let version: String
    /// The plugins' own configurations.
    let plugins: [JSONObject]

    /// Reads a `.conflist`, or a `.conf` of one plugin; nil where the text is neither, or of another network.
    init?(_ bytes: [UInt8], name: String) {
        guard let json = JSONParser.parse(bytes), json["name"]?.string == name else { return nil }
        self.name = name
        version = json["cniVersion"]?.string ?? "0.2.0"
        if let list = json["plugins"]?.array {
            plugins = list.compactMap(\.object)
            guard plugins.count == list.count else { return nil }
        } else if let single = json.object {
            plugins = [single]
        } else {
            return nil
        }
        // A plugin's type is the name of a program.
        guard !plugins.isEmpty, plugins.allSatisfy({ CNIConfiguration.isProgram($0["type"]?.string) }) else {
            return nil
        }
    }

    private static func isProgram(_ name: String?) -> Bool {
        guard let name, !name.isEmpty else { return false }
        return !name.contains("/") && name != "." && name != ".."
    }

    /// What a plugin reads.
    /// - Parameter result: that of the plugins before it, or of the whole network at its removal.
    func request(_ plugin: JSONObject, _ result: JSON?) -> [UInt8] {
        var request = plugin
        request["cniVersion"] = .string(version)
        request["name"] = .string(name)
        request["prevResult"] = result
        return JSON.object(request).bytes
    }
}
