/// The limits of an update as writes to cgroup files. Pure.
///
/// A file that the host does not have, or a value that it does not take, makes the field one of the ignored.
struct CgroupLimits {
    /// What is written for one field of `linux.resources`.
    struct Change: Equatable {
        /// A dotted path such as `memory.limit`.
        var field: String
        var controller: String
        /// Files and texts, in order.
        var writes: [Write]
    }

    struct Write: Equatable {
        var file: String
        var text: String
        /// Whether the change stands without it, as where the host does not count swapped memory.
        var isOptional = false
    }

    private(set) var changes: [Change] = []
    /// Fields that no cgroup file changes.
    private(set) var ignored: [String]

    /// The smallest and greatest weights of both versions.
    private static let shares: ClosedRange<UInt64> = 2...262_144

    init(_ resources: JSON, isUnified: Bool) {
        let filtered = KnownKeys.object([
            "memory": .object(["limit": .anything, "reservation": .anything]),
            "cpu": .object([
                "shares": .anything, "quota": .anything, "period": .anything, "cpus": .anything, "mems": .anything,
            ]),
            "pids": .object(["limit": .anything]),
        ]).filter(resources, at: "")
        ignored = filtered.ignored
        let (memory, cpu) = (filtered.value["memory"], filtered.value["cpu"])
        setMemory(memory, isUnified)
        setProcessor(cpu, isUnified)
        if let limit = filtered.value["pids"]?["limit"]?.integer {
            add("pids.limit", "pids", [Write(file: "pids.max", text: limit > 0 ? "\(limit)" : "max")])
        }
    }

    private mutating func add(_ field: String, _ controller: String, _ writes: [Write]) {
        changes.append(Change(field: field, controller: controller, writes: writes))
    }

    private mutating func setMemory(_ memory: JSON?, _ isUnified: Bool) {
        if let limit = memory?["limit"]?.integer, limit != 0 {
            if isUnified {
                add("memory.limit", "memory", [Write(file: "memory.max", text: limit > 0 ? "\(limit)" : "max")])
            } else {
                // Memory with swap is never less than memory alone, so the order depends on which way it goes.
                let text = limit > 0 ? "\(limit)" : "-1"
                add(
                    "memory.limit", "memory",
                    [
                        Write(file: "memory.memsw.limit_in_bytes", text: text, isOptional: true),
                        Write(file: "memory.limit_in_bytes", text: text),
                        Write(file: "memory.memsw.limit_in_bytes", text: text, isOptional: true),
                    ])
            }
        }
        if let reservation = memory?["reservation"]?.integer, reservation != 0 {
            let file = isUnified ? "memory.low" : "memory.soft_limit_in_bytes"
            let none = isUnified ? "0" : "-1"
            add("memory.reservation", "memory", [Write(file: file, text: reservation > 0 ? "\(reservation)" : none)])
        }
    }

    private mutating func setProcessor(_ cpu: JSON?, _ isUnified: Bool) {
        if let shares = cpu?["shares"]?.unsigned, shares != 0 {
            let bounded = min(max(shares, CgroupLimits.shares.lowerBound), CgroupLimits.shares.upperBound)
            let weight = 1 + (bounded - 2) * 9999 / 262_142
            let write =
                isUnified ? Write(file: "cpu.weight", text: "\(weight)") : Write(file: "cpu.shares", text: "\(bounded)")
            add("cpu.shares", "cpu", [write])
        }
        let (quota, period) = (cpu?["quota"]?.integer, cpu?["period"]?.unsigned)
        if isUnified {
            if quota != nil || period != nil {
                let limit = quota.map { $0 > 0 ? "\($0)" : "max" } ?? "max"
                let text = period.map { "\(limit) \($0)" } ?? limit
                if quota != nil { add("cpu.quota", "cpu", [Write(file: "cpu.max", text: text)]) }
                if period != nil { add("cpu.period", "cpu", quota == nil ? [Write(file: "cpu.max", text: text)] : []) }
            }
        } else {
            if let period, period != 0 {
                add("cpu.period", "cpu", [Write(file: "cpu.cfs_period_us", text: "\(period)")])
            }
            if let quota, quota != 0 {
                add("cpu.quota", "cpu", [Write(file: "cpu.cfs_quota_us", text: quota > 0 ? "\(quota)" : "-1")])
            }
        }
        for (key, file) in [("cpus", "cpuset.cpus"), ("mems", "cpuset.mems")] {
            guard let text = cpu?[key]?.string, !text.isEmpty else { continue }
            add("cpu.\(key)", "cpuset", [Write(file: file, text: text)])
        }
    }
}
