import ContainerDriver
import ContainerModel

/// A specification or a process as JSON: the text of the whole where the worker gave it, else what its type has.
enum GivenDocument {
    static func specification(_ specification: OCISpecification) throws(DriverFailure) -> JSON {
        if let text = specification.document { return try parse(text) }
        var json = JSONObject()
        json["process"] = try specification.process.map { process throws(DriverFailure) in try self.process(process) }
        if let root = specification.root {
            json["root"] = ["path": .string(root.path), "readonly": .bool(root.readonly)]
        }
        json["hostname"] = specification.hostname.map { .string($0) }
        let mounts: [JSON] = specification.mounts.map {
            [
                "destination": .string($0.destination), "source": .string($0.source), "type": .string($0.type),
                "options": JSON($0.options),
            ]
        }
        if !mounts.isEmpty { json["mounts"] = .array(mounts) }
        if let resources = specification.linux?.resources { json["linux"] = ["resources": self.resources(resources)] }
        return .object(json)
    }

    static func process(_ process: OCIProcess) throws(DriverFailure) -> JSON {
        if let text = process.document { return try parse(text) }
        var json = JSONObject()
        json["args"] = JSON(process.args)
        if !process.env.isEmpty { json["env"] = JSON(process.env) }
        if !process.cwd.isEmpty { json["cwd"] = .string(process.cwd) }
        if !process.username.isEmpty { json["user"] = ["username": .string(process.username)] }
        json["terminal"] = .bool(process.terminal)
        if let size = process.consoleSize {
            json["consoleSize"] = ["width": .integer(Int64(size.width)), "height": .integer(Int64(size.height))]
        }
        return .object(json)
    }

    /// Limits of an update in Linux's form. A limit of memory alone has the same form on both platforms.
    static func resources(_ resources: OCIResources) -> JSON {
        switch resources {
        case .linux(let linux): return self.resources(linux)
        case .windows(let windows, let endpoints):
            var (json, cpu) = (JSONObject(), JSONObject())
            if let limit = windows.memoryLimit { json["memory"] = ["limit": .integer(Int64(clamping: limit))] }
            cpu["shares"] = windows.cpuShares.map { .integer(Int64(clamping: $0)) }
            cpu["count"] = windows.cpuCount.map { .integer(Int64(clamping: $0)) }
            cpu["maximum"] = windows.cpuMaximum.map { .integer(Int64(clamping: $0)) }
            if windows.hasAffinity { cpu["affinity"] = true }
            if !cpu.isEmpty { json["cpu"] = .object(cpu) }
            var storage = JSONObject()
            storage["iops"] = windows.storageIOPS.map { .integer(Int64(clamping: $0)) }
            storage["bps"] = windows.storageBytesPerSecond.map { .integer(Int64(clamping: $0)) }
            storage["sandboxSize"] = windows.storageSandboxSize.map { .integer(Int64(clamping: $0)) }
            if !storage.isEmpty { json["storage"] = .object(storage) }
            if endpoints != nil { json["network"] = ["endpointList": []] }
            return .object(json)
        }
    }

    private static func resources(_ linux: LinuxResources) -> JSON {
        var (json, cpu) = (JSONObject(), JSONObject())
        if let limit = linux.memoryLimit { json["memory"] = ["limit": .integer(limit)] }
        cpu["shares"] = linux.cpuShares.map { .integer(Int64(clamping: $0)) }
        cpu["quota"] = linux.cpuQuota.map { .integer($0) }
        cpu["period"] = linux.cpuPeriod.map { .integer(Int64(clamping: $0)) }
        if !cpu.isEmpty { json["cpu"] = .object(cpu) }
        if let limit = linux.pidsLimit { json["pids"] = ["limit": .integer(limit)] }
        return .object(json)
    }

    private static func parse(_ text: String) throws(DriverFailure) -> JSON {
        guard let json = JSONParser.parse(text), json.object != nil else {
            throw DriverFailure(.invalidArgument, "spec must be an object of the OCI specification")
        }
        return json
    }
}
