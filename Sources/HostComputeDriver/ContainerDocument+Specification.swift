import ContainerDriver
import ContainerModel

extension ContainerDocument {
    /// A document, and what a person should know of it.
    struct Built {
        var document: ContainerDocument
        var isolation: Isolation
        var warnings: [String]
        var ignored: [String]
    }

    /// The document of a container of `specification`.
    /// - Throws: `invalidArgument` naming the field; `notFound` where no layer holds a utility VM.
    static func build(
        _ id: ContainerID, _ specification: OCISpecification, owner: String, facts: HostFacts
    ) throws(DriverFailure) -> Built {
        let windows = specification.windows ?? OCISpecification.Windows()
        var document = ContainerDocument()
        document.name = id.rawValue
        document.owner = owner
        // Sent only where given, as hcsshim does. HCS then chooses one [inf]; a name made of the id may be no valid one.
        document.hostName = specification.hostname ?? ""
        document.ignoreFlushesDuringBoot = windows.ignoreFlushesDuringBoot
        guard facts.hasServicing || !windows.servicing else {
            throw DriverFailure(
                .unimplemented,
                "spec.windows.servicing is true, and Windows has had no servicing run since build 17134; leave it out, and "
                    + "update the image instead")
        }
        document.servicing = windows.servicing
        document.credentials = try credentials(windows.credentialSpec)
        try document.setLayers(windows.layerFolders, facts)
        try document.setRoot(specification.root, windows, facts)
        try document.setMounts(specification.mounts)
        try document.setDevices(windows.devices)
        document.setNetwork(windows.network)
        var warnings = unhonoured(in: specification)
        if let resources = windows.resources {
            try document.setLimits(resources, facts, &warnings)
        }
        let unenforced = facts.isolates ? [] : unenforced(in: specification)
        if !unenforced.isEmpty {
            warnings.append(
                "the emulator runs plain processes and does not enforce \(unenforced.joined(separator: ", ")); use driver: oci "
                    + "or driver: hcs for real containers")
        }
        return Built(
            document: document, isolation: windows.hyperV == nil ? .process : .hyperV, warnings: warnings,
            ignored: ignored(in: specification) + unenforced)
    }

    private mutating func setLayers(_ folders: [String], _ facts: HostFacts) throws(DriverFailure) {
        guard folders.count >= 2, let scratch = folders.last else {
            throw DriverFailure(
                .invalidArgument,
                "spec.windows.layerFolders needs at least two folders, parents first and the container's own scratch "
                    + "layer last; it has \(folders.count)")
        }
        layerFolderPath = Self.withoutSeparator(scratch)
        for (index, folder) in folders.dropLast().map(Self.withoutSeparator).enumerated() {
            guard !folder.isEmpty else {
                throw DriverFailure(.invalidArgument, "spec.windows.layerFolders[\(index)] names no folder")
            }
            do throws(HostComputeError) {
                layers.append(Layer(id: try facts.layerID(folder), path: folder))
            } catch {
                throw error.failure("layer '\(folder)'")
            }
        }
    }

    private mutating func setRoot(
        _ root: OCISpecification.Root?, _ windows: OCISpecification.Windows, _ facts: HostFacts
    ) throws(DriverFailure) {
        if root?.readonly == true {
            throw DriverFailure(.invalidArgument, "spec.root.readonly is true, and Windows has no read-only root")
        }
        let path = root?.path ?? ""
        if let hyperV = windows.hyperV {
            if !path.isEmpty {
                throw DriverFailure(
                    .invalidArgument, "spec.root.path must be empty with Hyper-V isolation; it is '\(path)'")
            }
            utilityVM = try Self.utilityVM(hyperV, layers.map(\.path), facts)
        } else {
            guard let volume = Self.volume(path) else {
                throw DriverFailure(
                    .invalidArgument,
                    #"spec.root.path must be a volume path with a GUID, such as "#
                        + #"'\\?\Volume{11111111-2222-3333-4444-555555555555}\', with process isolation; "#
                        + (path.isEmpty ? "it is missing" : "it is '\(path)'"))
            }
            volumePath = volume
        }
    }

    /// The volume that `path` names, without the backslash that the OCI specification ends it with: HCS wants none, and
    /// what GetLayerMountPath answers has none.
    private static func volume(_ path: String) -> String? {
        let volume = path.hasSuffix("\\") ? String(path.dropLast()) : path
        guard volume.hasPrefix(#"\\?\Volume{"#), volume.hasSuffix("}") else { return nil }
        let groups = volume.dropFirst(11).dropLast().split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], groups.joined().allSatisfy({ $0.isASCII && $0.isHexDigit })
        else { return nil }
        return volume
    }

    /// A folder's path without separators at its end: the last component is the layer's name.
    private static func withoutSeparator(_ folder: String) -> String {
        var path = folder[...]
        while let last = path.utf8.last, last == UInt8(ascii: "/") || last == UInt8(ascii: "\\") { path.removeLast() }
        return String(path)
    }

    /// HCS takes the JSON itself; what only Docker resolves would reach it unread.
    private static func credentials(_ text: String?) throws(DriverFailure) -> String {
        guard let text, !text.isEmpty else { return "" }
        guard text.first(where: { !$0.isWhitespace }) == "{" else {
            throw DriverFailure(
                .invalidArgument,
                "spec.windows.credentialSpec must be the credential specification itself, an object or its JSON as text; a "
                    + "reference (file://, registry://) is not resolved: put what it names into the specification")
        }
        return text
    }

    /// The nearest layer's `UtilityVM` folder.
    private static func utilityVM(
        _ hyperV: OCISpecification.HyperV, _ layers: some Sequence<String>, _ facts: HostFacts
    ) throws(DriverFailure) -> String {
        if let path = hyperV.utilityVMPath, !path.isEmpty { return path }
        for layer in layers {
            // A layer's path is the host's; only the emulator's hosts separate with a slash.
            let isPOSIX = layer.hasPrefix("/")
            let folder = isPOSIX ? layer : layer.replacing("/", with: "\\")
            let path = folder + (isPOSIX ? "/" : "\\") + "UtilityVM"
            do throws(HostComputeError) {
                if try facts.isFolder(path) { return path }
            } catch {
                throw error.failure("'\(path)'")
            }
        }
        throw DriverFailure(
            .notFound,
            "no folder of spec.windows.layerFolders holds a UtilityVM folder, which Hyper-V isolation boots from; pull "
                + "the base image's utility VM or use process isolation")
    }

    private mutating func setMounts(_ mounts: [OCISpecification.Mount]) throws(DriverFailure) {
        let pipePrefix = #"\\.\pipe\"#
        for (index, mount) in mounts.enumerated() {
            guard mount.type.isEmpty else {
                throw DriverFailure(
                    .invalidArgument,
                    "spec.mounts[\(index)].type must be empty on Windows; it is '\(mount.type)' at '\(mount.destination)'"
                )
            }
            if mount.destination.hasPrefix(pipePrefix) {
                guard mount.destination.utf8.count > pipePrefix.utf8.count else {
                    throw DriverFailure(
                        .invalidArgument,
                        "spec.mounts[\(index)].destination is '\(mount.destination)' and names no pipe: add its name")
                }
                pipes.append(
                    Pipe(hostPath: mount.source, name: String(mount.destination.dropFirst(pipePrefix.count))))
            } else {
                directories.append(
                    Directory(
                        hostPath: mount.source, containerPath: mount.destination,
                        readOnly: mount.options.contains { $0.lowercased() == "ro" }))
            }
        }
    }

    private mutating func setDevices(_ devices: [OCISpecification.Device]) throws(DriverFailure) {
        guard !devices.isEmpty else { return }
        guard utilityVM == nil else {
            throw DriverFailure(
                .invalidArgument, "spec.windows.devices can't be assigned with Hyper-V isolation; use process isolation"
            )
        }
        for (index, device) in devices.enumerated() {
            guard device.idType == "class" || device.idType == "vpci-class-guid" else {
                throw DriverFailure(
                    .invalidArgument,
                    "spec.windows.devices[\(index)].idType must be 'class' or 'vpci-class-guid'; it is '\(device.idType)'"
                )
            }
            guard !device.id.isEmpty else {
                throw DriverFailure(
                    .invalidArgument,
                    "spec.windows.devices[\(index)].id is missing: it is the interface class GUID of the device")
            }
            self.devices.append(device.id)
        }
    }

    private mutating func setNetwork(_ network: OCISpecification.Network?) {
        guard let network else { return }
        endpoints = network.endpointList
        allowUnqualifiedDNSQuery = network.allowUnqualifiedDNSQuery
        networkSharedContainer = network.networkSharedContainerName ?? ""
        dnsSearchList = network.dnsSearchList
    }

    private mutating func setLimits(
        _ resources: WindowsResources, _ facts: HostFacts, _ warnings: inout [String]
    ) throws(DriverFailure) {
        let limits = try ResourceLimits(resources)
        memoryMaximumInMB = limits.memoryInMB ?? 0
        switch limits.processor {
        case .count(let count):
            processorCount = min(count, facts.processors)
            if count > facts.processors {
                warnings.append(
                    "spec.windows.resources.cpu.count is \(count), and the host has \(facts.processors) processors: "
                        + "\(facts.processors) are used")
            }
        case .weight(let weight): processorWeight = weight
        case .maximum(let maximum): processorMaximum = maximum
        case nil: break
        }
        storageIOPS = resources.storageIOPS ?? 0
        storageBandwidth = resources.storageBytesPerSecond ?? 0
        storageSandboxSize = resources.storageSandboxSize ?? 0
    }

    /// What an emulator takes as HCS would, and does nothing for.
    private static func unenforced(in specification: OCISpecification) -> [String] {
        var fields: [String] = []
        if specification.hostname?.isEmpty == false { fields.append("hostname") }
        for index in specification.mounts.indices { fields.append("mounts[\(index)]") }
        let resources = specification.windows?.resources
        let limits = [
            ("memory.limit", resources?.memoryLimit), ("cpu.count", resources?.cpuCount),
            ("cpu.shares", resources?.cpuShares), ("cpu.maximum", resources?.cpuMaximum),
            ("storage.iops", resources?.storageIOPS), ("storage.bps", resources?.storageBytesPerSecond),
            ("storage.sandboxSize", resources?.storageSandboxSize),
        ]
        return fields + limits.filter { $0.1 ?? 0 != 0 }.map { "windows.resources.\($0.0)" }
    }

    /// What is not honoured and changes what the container can do.
    private static func unhonoured(in specification: OCISpecification) -> [String] {
        var warnings: [String] = []
        if let network = specification.windows?.network, network.networkNamespace != nil {
            let hasNetwork = !network.endpointList.isEmpty || network.networkSharedContainerName?.isEmpty == false
            warnings.append(
                "spec.windows.network.networkNamespace is not honoured: "
                    + (hasNetwork
                        ? "the container has the network of endpointList and networkSharedContainerName only"
                        : "the container has no network; name its endpoints in endpointList"))
        }
        if specification.windows?.resources?.hasAffinity == true {
            warnings.append(
                "spec.windows.resources.cpu.affinity is not honoured: the container runs on any processor of the host")
        }
        if specification.linux?.resources?.isEmpty == false {
            warnings.append("spec.linux.resources is not honoured: give the limits in spec.windows.resources")
        }
        return warnings
    }

    /// The parts of a specification that do not reach HCS.
    private static func ignored(in specification: OCISpecification) -> [String] {
        var ignored: [String] = []
        if let linux = specification.linux {
            ignored.append(linux.resources == nil ? "linux" : "linux.resources")
        }
        for (index, mount) in specification.mounts.enumerated() {
            // Windows has no mount options; these say what is so anyway.
            for option in mount.options where !["ro", "rw", "bind", "rbind"].contains(option.lowercased()) {
                ignored.append("mounts[\(index)].options.\(option)")
            }
        }
        if specification.windows?.network?.networkNamespace != nil {
            ignored.append("windows.network.networkNamespace")
        }
        if specification.windows?.resources?.hasAffinity == true { ignored.append("windows.resources.cpu.affinity") }
        return ignored
    }
}
