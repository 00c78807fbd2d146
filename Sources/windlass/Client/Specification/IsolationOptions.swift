import ArgumentParser
import ContainerProtocol
import Foundation
import MessagePack

/// The options of `run` and `create` for what a container sees and may do.
struct IsolationOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Its root: a folder of the worker's host.", valueName: "dir"))
    var rootfs: String?

    @Option(
        help: ArgumentHelp(
            "A layer of its root, the base first; the container writes to one of its own.", valueName: "dir"))
    var layer: [String] = []

    @Flag(help: "Let it not write to its root.")
    var readOnly = false

    @Option(
        name: [.customShort("v", allowingJoined: true), .customLong("volume")],
        help: ArgumentHelp("Share a folder or file of the worker's host.", valueName: "src:dst[:ro]"))
    var volume: [String] = []

    @Option(
        help: ArgumentHelp(
            "The same in words: type=bind,source=,target=[,readonly], or type=tmpfs,target=.", valueName: "mount"))
    var mount: [String] = []

    @Option(help: ArgumentHelp("Give it an empty folder in memory.", valueName: "dst[:options]"))
    var tmpfs: [String] = []

    @Option(help: ArgumentHelp("Its host name.", valueName: "name"))
    var hostname: String?

    @Option(
        name: [.long, .customLong("net")],
        help: ArgumentHelp("Its network: none, host, netns:PATH or cni:NAME.", valueName: "network"))
    var network: String?

    @Option(help: ArgumentHelp("Give it a capability of Linux, or ALL.", valueName: "name"))
    var capAdd: [String] = []

    @Option(help: ArgumentHelp("Take a capability of Linux from it, or ALL.", valueName: "name"))
    var capDrop: [String] = []

    @Option(help: ArgumentHelp("A limit of its processes, such as nofile=1024:4096.", valueName: "name=soft[:hard]"))
    var ulimit: [ResourceLimit] = []

    func validate() throws { _ = try patch(folder: "/", .linux) }

    /// Whether the patch depends on the worker's platform.
    var dependsOnPlatform: Bool { !(volume.isEmpty && mount.isEmpty && tmpfs.isEmpty) }

    /// What they add to an OCI specification, as a merge patch.
    /// - Parameter folder: where relative paths begin.
    func patch(folder: String, _ platform: ResourceOptions.Platform) throws -> Value.Map {
        var patch: Value.Map = [:]
        var root: Value.Map = [:]
        if let rootfs { root["path"] = .string(try IsolationOptions.absolute(rootfs, in: folder, "--rootfs")) }
        if readOnly { root["readonly"] = true }
        if !root.isEmpty { patch["root"] = .map(root) }
        if let hostname { patch["hostname"] = .string(hostname) }
        let mounts =
            try volume.map { try MountArgument.volume($0, in: folder) }
            + mount.map { try MountArgument.mount($0, in: folder) } + tmpfs.map { try MountArgument.tmpfs($0) }
        if !mounts.isEmpty { patch["mounts"] = .array(try mounts.map { try $0.value(for: platform) }) }
        var process: Value.Map = [:]
        if !capAdd.isEmpty || !capDrop.isEmpty {
            process["capabilities"] = try Capabilities(adding: capAdd, dropping: capDrop).value
        }
        if !ulimit.isEmpty { process["rlimits"] = .array(ulimit.map(\.value)) }
        if !process.isEmpty { patch["process"] = .map(process) }
        var annotations: Value.Map = [:]
        if let network { annotations[NetworkArgument.annotation] = .string(try NetworkArgument(network).text) }
        if !layer.isEmpty {
            let layers = try layer.map { Value.string(try IsolationOptions.absolute($0, in: folder, "--layer")) }
            annotations["windlass.layers"] = .string(Value.array(layers).json)
        }
        if !annotations.isEmpty { patch["annotations"] = .map(annotations) }
        return patch
    }

    /// A relative path begins at `folder`.
    private static func absolute(_ path: String, in folder: String, _ option: String) throws -> String {
        guard !path.isEmpty else { throw ValidationError("\(option) needs a folder") }
        if path.hasPrefix("/") || path.dropFirst().hasPrefix(":") || path.hasPrefix("\\\\") { return path }
        return URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: folder, isDirectory: true))
            .standardizedFileURL.path
    }
}
