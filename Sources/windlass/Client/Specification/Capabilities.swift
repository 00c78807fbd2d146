import ArgumentParser
import MessagePack

/// What `--cap-add` and `--cap-drop` make of the capabilities that a container has otherwise. Pure.
struct Capabilities: Sendable, Equatable {
    /// Those that containers have everywhere where none are named, in the order of their numbers.
    static let usual = [
        "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE",
        "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP",
    ]
    /// All of Linux, in the order of their numbers (capabilities(7)).
    static let all = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// The names that are left, as the OCI specification writes them.
    let names: [String]

    /// Drops from the usual ones, or from all of them where `ALL` is added, and adds.
    init(adding added: [String], dropping dropped: [String]) throws {
        let added = try added.map { try Capabilities.name($0, "--cap-add") }
        let dropped = try dropped.map { try Capabilities.name($0, "--cap-drop") }
        var left = Set(added.contains("ALL") ? Capabilities.all : dropped.contains("ALL") ? [] : Capabilities.usual)
        // What is named counts for more than ALL.
        left.subtract(dropped)
        left.formUnion(added)
        names = Capabilities.all.filter { left.contains($0) }.map { "CAP_" + $0 }
    }

    private static func name(_ text: String, _ option: String) throws -> String {
        let upper = text.uppercased()
        let name = upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
        guard name == "ALL" || all.contains(name) else {
            let near = Suggestion.nearest(to: name, in: all).map { "; did you mean \($0)?" } ?? ""
            throw ValidationError("\(option) \(text): there is no such capability of Linux\(near)")
        }
        return name
    }

    /// `process.capabilities`.
    var value: Value {
        let list: Value = .array(names.map { .string($0) })
        return ["bounding": list, "effective": list, "permitted": list]
    }
}
