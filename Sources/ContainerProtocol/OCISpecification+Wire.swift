public import ContainerModel
public import MessagePack

extension OCISpecification {
    /// Reads a specification.
    /// - Parameter keepsDocument: whether the whole of it is kept as text, for a driver that hands it on.
    /// - Returns: it, and the keys in it that this type does not have, as dotted paths.
    public static func read(
        _ value: Value, keepsDocument: Bool = false
    ) throws(Failure) -> (specification: OCISpecification, ignored: [String]) {
        var reader = SpecificationReader()
        var specification = OCISpecification()
        if keepsDocument { specification.document = try SpecificationReader.document(value, "spec") }
        var spec = try reader.open(value, "spec")
        if let version = try reader.string("ociVersion", of: &spec), version.split(separator: ".").first != "1" {
            throw .invalidArgument(
                "spec.ociVersion is \"\(Excerpt(version))\"; this worker reads specifications of version 1")
        }
        specification.hostname = try reader.string("hostname", of: &spec)
        if let process = try reader.child("process", of: &spec) {
            specification.process = try OCIProcess(process, &reader)
        }
        if var root = try reader.child("root", of: &spec) {
            specification.root = Root(
                path: try reader.string("path", of: &root) ?? "",
                readonly: try reader.bool("readonly", of: &root) ?? false)
            reader.close(root)
        }
        for var mount in try reader.objects("mounts", of: &spec) {
            specification.mounts.append(try Mount(&mount, reader))
            reader.close(mount)
        }
        if let windows = try reader.child("windows", of: &spec) {
            specification.windows = try Windows(windows, &reader)
        }
        if var linux = try reader.child("linux", of: &spec) {
            var resources: LinuxResources?
            if let object = try reader.child("resources", of: &linux) {
                resources = try LinuxResources(object, &reader)
            }
            specification.linux = Linux(resources: resources)
            reader.close(linux)
        }
        reader.close(spec)
        // The paths a caller knows begin below the specification.
        return (specification, reader.ignored.list(below: "spec"))
    }
}

extension OCIProcess {
    /// Reads an OCI process by itself, as `exec` takes it.
    /// - Parameter keepsDocument: whether the whole of it is kept as text, for a driver that hands it on.
    /// - Returns: it, and the keys in it that this type does not have, as dotted paths.
    public static func read(
        _ value: Value, keepsDocument: Bool = false
    ) throws(Failure) -> (process: OCIProcess, ignored: [String]) {
        var reader = SpecificationReader()
        var process = try OCIProcess(try reader.open(value, "spec"), &reader)
        if keepsDocument { process.document = try SpecificationReader.document(value, "spec") }
        return (process, reader.ignored.list(below: "spec"))
    }

    init(_ object: SpecificationReader.Object, _ reader: inout SpecificationReader) throws(Failure) {
        self.init()
        var object = object
        args = try reader.strings("args", of: &object) ?? []
        commandLine = try reader.string("commandLine", of: &object)
        env = try OCIProcess.environment(&object, reader)
        cwd = try reader.string("cwd", of: &object) ?? ""
        terminal = try reader.bool("terminal", of: &object) ?? false
        if var user = try reader.child("user", of: &object) {
            username = try reader.string("username", of: &user) ?? ""
            reader.close(user)
        }
        if var size = try reader.child("consoleSize", of: &object) {
            let range = 0...Bounds.consoleSide.upperBound
            let width = try reader.unsigned("width", of: &size, in: range) ?? 0
            let height = try reader.unsigned("height", of: &size, in: range) ?? 0
            consoleSize = ConsoleSize(width: UInt16(width), height: UInt16(height))
            reader.close(size)
        }
        reader.close(object)
    }
}

extension OCIProcess {
    /// Every entry has a name and an `=`: what no program could look up is refused and not dropped.
    private static func environment(
        _ object: inout SpecificationReader.Object, _ reader: SpecificationReader
    ) throws(Failure) -> [String] {
        let entries = try reader.strings("env", of: &object) ?? []
        for (index, entry) in entries.enumerated() {
            guard let end = entry.utf8.firstIndex(of: UInt8(ascii: "=")), end > entry.startIndex else {
                // The entry itself may be a secret, and stays out of the message.
                throw .invalidArgument("\(object.path("env"))[\(index)] must be NAME=value")
            }
        }
        return entries
    }
}

extension OCISpecification.Mount {
    init(_ object: inout SpecificationReader.Object, _ reader: SpecificationReader) throws(Failure) {
        guard let destination = try reader.string("destination", of: &object), !destination.isEmpty else {
            throw .invalidArgument(
                "\(object.path("destination")) is missing: where the mount is seen inside the container")
        }
        let type = try reader.string("type", of: &object) ?? ""
        let source = try reader.string("source", of: &object) ?? ""
        // File systems such as tmpfs have none.
        guard !source.isEmpty || !type.isEmpty else {
            throw .invalidArgument("\(object.path("source")) is missing: the host's folder or pipe")
        }
        self.init(
            destination: destination, source: source, type: type,
            options: try reader.strings("options", of: &object) ?? [])
    }
}

extension OCISpecification.Windows {
    init(_ object: SpecificationReader.Object, _ reader: inout SpecificationReader) throws(Failure) {
        self.init()
        var object = object
        layerFolders = try reader.strings("layerFolders", of: &object) ?? []
        for var device in try reader.objects("devices", of: &object) {
            devices.append(
                OCISpecification.Device(
                    id: try reader.string("id", of: &device) ?? "",
                    idType: try reader.string("idType", of: &device) ?? ""))
            reader.close(device)
        }
        if let child = try reader.child("resources", of: &object) { resources = try WindowsResources(child, &reader) }
        if var child = try reader.child("network", of: &object) {
            var network = OCISpecification.Network()
            network.endpointList = try reader.strings("endpointList", of: &child) ?? []
            network.allowUnqualifiedDNSQuery = try reader.bool("allowUnqualifiedDNSQuery", of: &child) ?? false
            network.dnsSearchList = try reader.strings("DNSSearchList", of: &child) ?? []
            network.networkSharedContainerName = try reader.string("networkSharedContainerName", of: &child)
            network.networkNamespace = try reader.string("networkNamespace", of: &child).flatMap {
                $0.isEmpty ? nil : $0
            }
            reader.close(child)
            self.network = network
        }
        credentialSpec = try reader.json("credentialSpec", of: &object)
        servicing = try reader.bool("servicing", of: &object) ?? false
        ignoreFlushesDuringBoot = try reader.bool("ignoreFlushesDuringBoot", of: &object) ?? false
        if var child = try reader.child("hyperv", of: &object) {
            hyperV = OCISpecification.HyperV(utilityVMPath: try reader.string("utilityVMPath", of: &child))
            reader.close(child)
        }
        reader.close(object)
    }
}

extension WindowsResources {
    init(_ object: SpecificationReader.Object, _ reader: inout SpecificationReader) throws(Failure) {
        self.init()
        var object = object
        if var memory = try reader.child("memory", of: &object) {
            memoryLimit = try reader.unsigned("limit", of: &memory)
            reader.close(memory)
        }
        if var cpu = try reader.child("cpu", of: &object) {
            cpuCount = try reader.unsigned("count", of: &cpu)
            cpuShares = try reader.unsigned("shares", of: &cpu)
            cpuMaximum = try reader.unsigned("maximum", of: &cpu)
            hasAffinity = try !reader.objects("affinity", of: &cpu).isEmpty
            reader.close(cpu)
        }
        if var storage = try reader.child("storage", of: &object) {
            storageIOPS = try reader.unsigned("iops", of: &storage)
            storageBytesPerSecond = try reader.unsigned("bps", of: &storage)
            storageSandboxSize = try reader.unsigned("sandboxSize", of: &storage)
            reader.close(storage)
        }
        reader.close(object)
    }
}

extension LinuxResources {
    init(_ object: SpecificationReader.Object, _ reader: inout SpecificationReader) throws(Failure) {
        self.init()
        var object = object
        if var memory = try reader.child("memory", of: &object) {
            memoryLimit = try reader.signed("limit", of: &memory)
            reader.close(memory)
        }
        if var cpu = try reader.child("cpu", of: &object) {
            cpuShares = try reader.unsigned("shares", of: &cpu)
            cpuQuota = try reader.signed("quota", of: &cpu)
            cpuPeriod = try reader.unsigned("period", of: &cpu)
            reader.close(cpu)
        }
        if var pids = try reader.child("pids", of: &object) {
            pidsLimit = try reader.signed("limit", of: &pids)
            reader.close(pids)
        }
        reader.close(object)
    }
}
