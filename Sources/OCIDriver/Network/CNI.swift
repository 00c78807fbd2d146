import ContainerDriver
import ContainerModel

/// Connects network namespaces to a CNI network, by its plugins.
struct CNI: Sendable {
    /// Folders with the networks' configurations and with the plugins.
    let configurations: String
    let plugins: [String]

    private static let patience = 30_000
    private static let device = "eth0"

    /// The network's configuration.
    func configuration(_ name: String) throws(DriverFailure) -> CNIConfiguration {
        for file in FolderTree.names(configurations).sorted()
        where file.hasSuffix(".conflist") || file.hasSuffix(".conf") || file.hasSuffix(".json") {
            guard let bytes = HostFile.bytes(configurations + "/" + file) else { continue }
            if let configuration = CNIConfiguration(bytes, name: name) { return configuration }
        }
        throw DriverFailure(
            .invalidArgument,
            "the annotation windlass.network names the network \(name), and no file of \(configurations) configures one of that "
                + "name; add one there (setting oci_cni_config)")
    }

    /// Connects a namespace.
    /// - Returns: the plugins' result.
    func add(_ network: CNIConfiguration, _ id: ContainerID, namespace: String) throws(DriverFailure) -> JSON? {
        var result: JSON?
        for plugin in network.plugins {
            let answer = try run(network, plugin, "ADD", id, namespace, result)
            result = JSONParser.parse(answer)
        }
        return result
    }

    /// Disconnects a namespace, also one that is gone. Every plugin is run, whatever became of the others.
    func remove(_ network: CNIConfiguration, _ id: ContainerID, namespace: String, result: JSON?) -> DriverFailure? {
        var failure: DriverFailure?
        for plugin in network.plugins.reversed() {
            do throws(DriverFailure) {
                _ = try run(network, plugin, "DEL", id, namespace, result)
            } catch {
                failure = failure ?? error
            }
        }
        return failure
    }

    private func run(
        _ network: CNIConfiguration, _ plugin: JSONObject, _ command: String, _ id: ContainerID, _ namespace: String,
        _ result: JSON?
    ) throws(DriverFailure) -> [UInt8] {
        let type = plugin["type"]?.string ?? ""
        guard let program = plugins.map({ $0 + "/" + type }).first(where: HostFile.exists) else {
            throw DriverFailure(
                .failedPrecondition,
                "the network \(network.name) needs the CNI plugin \(type), and none of \(plugins.joined(separator: ", ")) has it; "
                    + "install the package containernetworking-plugins")
        }
        let environment = [
            "CNI_COMMAND=\(command)", "CNI_CONTAINERID=\(id)", "CNI_NETNS=\(namespace)", "CNI_IFNAME=\(CNI.device)",
            "CNI_PATH=\(plugins.joined(separator: ":"))", BundleDefaults.path,
        ]
        let outcome = HostProgram.run(
            [program], environment: environment, input: network.request(plugin, result), milliseconds: CNI.patience)
        guard outcome.isSuccess else {
            let reason = JSONParser.parse(outcome.output)?["msg"]?.string ?? outcome.text
            throw DriverFailure(
                .failedPrecondition,
                "the CNI plugin \(type) of the network \(network.name) failed at \(command): \(reason.prefix(500))")
        }
        return outcome.output
    }
}
