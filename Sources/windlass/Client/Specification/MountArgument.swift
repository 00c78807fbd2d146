import ArgumentParser
import ContainerProtocol
import MessagePack

/// A folder of the host, or an empty one in memory, to be seen in a container: `-v`, `--mount` and `--tmpfs`. Pure.
struct MountArgument: Sendable, Equatable {
    let source: String
    let destination: String
    /// The OCI mount type.
    let type: String
    let options: [String]

    /// The mount as the OCI specification writes it. Windows knows neither types nor any option but these two.
    func value(for platform: ResourceOptions.Platform) throws -> Value {
        if platform == .windows {
            guard type == "bind" else {
                throw Failure.invalidArgument("\(destination): the worker's driver has no folders in memory")
            }
            let mode: Value = options.contains("ro") ? "ro" : "rw"
            return ["destination": .string(destination), "source": .string(source), "options": [mode]]
        }
        return [
            "destination": .string(destination), "type": .string(type), "source": .string(source),
            "options": .array(options.map { .string($0) }),
        ]
    }

    /// `SRC:DST[:OPTION,...]`.
    /// - Parameter folder: where a relative source begins.
    static func volume(_ text: String, in folder: String) throws -> MountArgument {
        let parts = pathParts(text)
        guard (2...3).contains(parts.count), !parts[0].isEmpty, !parts[1].isEmpty else {
            throw ValidationError(
                "-v \(text): write SRC:DST or SRC:DST:ro, with a folder or file of the worker's host as SRC")
        }
        let options = try parts.count == 3 ? checked(parts[2].split(separator: ",").map(String.init), "-v \(text)") : []
        return MountArgument(
            source: try source(parts[0], in: folder, "-v \(text)"),
            destination: try absolute(parts[1], "-v \(text)"), type: "bind",
            options: ["rbind"] + (options.contains("ro") || options.contains("rw") ? [] : ["rw"]) + options)
    }

    /// `DST[:OPTION,...]`.
    static func tmpfs(_ text: String) throws -> MountArgument {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let first = parts.first else { throw ValidationError("--tmpfs needs a folder of the container") }
        let given = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
        return MountArgument(
            source: "tmpfs", destination: try absolute(first, "--tmpfs \(text)"), type: "tmpfs",
            options: ["nosuid", "nodev"] + given)
    }

    /// `type=bind,source=SRC,target=DST[,readonly]`, or `type=tmpfs,target=DST[,tmpfs-size=BYTES]`.
    static func mount(_ text: String, in folder: String) throws -> MountArgument {
        var fields: [String: String] = [:]
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = pair.first else { continue }
            fields[["src": "source", "dst": "target", "destination": "target", "ro": "readonly"][name] ?? name] =
                pair.count == 2 ? pair[1] : ""
        }
        let place = "--mount \(text)"
        guard let target = fields.removeValue(forKey: "target") else {
            throw ValidationError("\(place): it needs a target=")
        }
        let isReadOnly = fields.removeValue(forKey: "readonly").map { $0 != "false" } ?? false
        let mount: MountArgument
        switch fields.removeValue(forKey: "type") ?? "volume" {
        case "bind":
            guard let given = fields.removeValue(forKey: "source") else {
                throw ValidationError("\(place): it needs a source=")
            }
            mount = MountArgument(
                source: try source(given, in: folder, place), destination: try absolute(target, place), type: "bind",
                options: ["rbind", isReadOnly ? "ro" : "rw"])
        case "tmpfs":
            var options = ["nosuid", "nodev"] + (isReadOnly ? ["ro"] : [])
            if let size = fields.removeValue(forKey: "tmpfs-size") { options.append("size=\(size)") }
            if let mode = fields.removeValue(forKey: "tmpfs-mode") { options.append("mode=\(mode)") }
            mount = MountArgument(
                source: "tmpfs", destination: try absolute(target, place), type: "tmpfs", options: options)
        case let type:
            throw ValidationError(
                "\(place): there are type=bind and type=tmpfs\(type == "volume" ? ", and no volumes" : "")")
        }
        if let name = fields.keys.sorted().first { throw ValidationError("\(place): there is no \(name)=") }
        return mount
    }

    /// The parts between colons; one behind a drive's letter belongs to a Windows path.
    private static func pathParts(_ text: String) -> [String] {
        var parts: [String] = []
        for part in text.split(separator: ":", omittingEmptySubsequences: false).map(String.init) {
            if let drive = parts.last, drive.count == 1, drive.first?.isLetter == true,
                part.first == "\\" || part.first == "/",
                !drive.hasPrefix("/")
            {
                parts[parts.count - 1] = drive + ":" + part
            } else {
                parts.append(part)
            }
        }
        return parts
    }

    /// A relative path begins at `folder`; a word without a slash would be a volume's name elsewhere.
    private static func source(_ text: String, in folder: String, _ place: String) throws -> String {
        if isAbsolute(text) { return text }
        guard text.hasPrefix(".") || text.contains("/") else {
            throw ValidationError("\(place): there are no volumes; \(text) must be a path: ./\(text) or /PATH/\(text)")
        }
        let parts = text.split(separator: "/").filter { $0 != "." }
        var path = folder.split(separator: "/")
        for part in parts { if part == ".." { path = path.dropLast() } else { path.append(part) } }
        return "/" + path.joined(separator: "/")
    }

    private static func absolute(_ text: String, _ place: String) throws -> String {
        guard isAbsolute(text) else {
            throw ValidationError("\(place): \(text) must be an absolute path in the container")
        }
        return text
    }

    private static func isAbsolute(_ path: String) -> Bool {
        path.hasPrefix("/") || path.hasPrefix("\\\\") || path.dropFirst().hasPrefix(":\\")
            || path.dropFirst().hasPrefix(":/")
    }

    private static let known: Set<String> = [
        "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "private", "rprivate", "shared", "rshared",
        "slave", "rslave",
    ]

    private static func checked(_ options: [String], _ place: String) throws -> [String] {
        for option in options where !known.contains(option) {
            let reason = ["z", "Z"].contains(option) ? "there are no labels of SELinux" : "there is no such option"
            throw ValidationError("\(place): \(option): \(reason); there are \(known.sorted().joined(separator: ", "))")
        }
        return options
    }
}
