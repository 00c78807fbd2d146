import ContainerDriver
import ContainerProtocol

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
        document.hostName = specification.hostname.flatMap { $0.isEmpty ? nil : $0 } ?? String(id.rawValue.prefix(12))
        document.ignoreFlushesDuringBoot = windows.ignoreFlushesDuringBoot
        document.servicing = windows.servicing
        document.credentials = windows.credentialSpec ?? ""
        try document.setLayers(windows.layerFolders, facts)
        try document.setRoot(specification.root, windows, facts)
        try document.setMounts(specification.mounts)
        try document.setDevices(windows.devices)
        document.setNetwork(windows.network)
        var warnings: [String] = []
        if let resources = windows.resources {
            try document.setLimits(resources, facts, &warnings)
        }
        return Built(
            document: document, isolation: windows.hyperV == nil ? .process : .hyperV, warnings: warnings,
            ignored: ignored(in: specification))
    }

    private mutating func setLayers(_ folders: [String], _ facts: HostFacts) throws(DriverFailure) {
        guard folders.count >= 2, let scratch = folders.last else {
            throw DriverFailure(
                .invalidArgument,
                "spec.windows.layerFolders needs at least two folders, parents first and the container's own scratch "
                    + "layer last; it has \(folders.count)")
        }
        layerFolderPath = scratch
        for folder in folders.dropLast() {
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
            utilityVM = try Self.utilityVM(hyperV, windows.layerFolders.dropLast(), facts)
        } else {
            // HCS wants the volume without the backslash that the OCI specification ends it with.
            guard path.hasPrefix(#"\\?\Volume{"#), path.hasSuffix(#"}\"#) else {
                throw DriverFailure(
                    .invalidArgument,
                    #"spec.root.path must be a volume path such as '\\?\Volume{guid}\' with process isolation; "#
                        + (path.isEmpty ? "it is missing" : "it is '\(path)'"))
            }
            volumePath = String(path.dropLast())
        }
    }

    /// The nearest layer's `UtilityVM` folder.
    private static func utilityVM(
        _ hyperV: OCISpecification.HyperV, _ layers: some Sequence<String>, _ facts: HostFacts
    ) throws(DriverFailure) -> String {
        if let path = hyperV.utilityVMPath, !path.isEmpty {
            throw DriverFailure(
                .invalidArgument,
                "spec.windows.hyperv.utilityVMPath is '\(path)', and an explicit utility VM is not supported; leave it "
                    + "out to use the one of the nearest layer that has one")
        }
        for layer in layers {
            // A layer's path is the host's; only the emulator's hosts separate with a slash.
            let path = layer + (layer.hasPrefix("/") ? "/" : "\\") + "UtilityVM"
            if facts.isFolder(path) { return path }
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
        if let process = specification.process {
            for (index, entry) in process.env.enumerated() where !entry.utf8.contains(UInt8(ascii: "=")) {
                ignored.append("process.env[\(index)]")
            }
            if process.consoleSize != nil && !process.terminal { ignored.append("process.consoleSize") }
        }
        return ignored
    }
}
