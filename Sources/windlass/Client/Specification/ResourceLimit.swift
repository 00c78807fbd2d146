import ArgumentParser
import MessagePack

/// `--ulimit NAME=SOFT[:HARD]`. Pure.
struct ResourceLimit: ExpressibleByArgument, Sendable, Equatable {
    let name: String
    let soft: UInt64
    let hard: UInt64

    private static let names: Set<String> = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
        "rtprio",
        "rttime", "sigpending", "stack",
    ]

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, ResourceLimit.names.contains(parts[0].lowercased()) else { return nil }
        let limits = parts[1].split(separator: ":", omittingEmptySubsequences: false).map { ResourceLimit.number($0) }
        guard (1...2).contains(limits.count), let soft = limits[0], let hard = limits[limits.count - 1], soft <= hard
        else { return nil }
        name = parts[0].lowercased()
        self.soft = soft
        self.hard = hard
    }

    private static func number(_ text: Substring) -> UInt64? {
        text == "unlimited" || text == "-1" ? .max : UInt64(text)
    }

    /// One of `process.rlimits`.
    var value: Value {
        ["type": .string("RLIMIT_" + name.uppercased()), "soft": .unsigned(soft), "hard": .unsigned(hard)]
    }
}
