import ArgumentParser
import ContainerProtocol
import MessagePack

/// Limits of a container.
struct ResourceOptions: ParsableArguments {
    @Option(
        name: [.customShort("m", allowingJoined: true), .long],
        help: ArgumentHelp("The most memory, such as 256m or 2g.", valueName: "bytes"))
    var memory: ByteCount?

    @Option(help: ArgumentHelp("How many processors it may use; whole ones on Windows.", valueName: "number"))
    var cpus: Double?

    @Option(help: ArgumentHelp("Its weight against others when processors are short.", valueName: "number"))
    var cpuShares: UInt64?

    @Option(help: ArgumentHelp("The most processor time, in percent of the host (Windows).", valueName: "number"))
    var cpuPercent: Double?

    @Option(help: ArgumentHelp("The most processes (Linux).", valueName: "number"))
    var pidsLimit: Int64?

    @Option(help: ArgumentHelp("The most storage operations a second (Windows).", valueName: "number"))
    var storageIops: UInt64?

    @Option(help: ArgumentHelp("The most storage traffic a second (Windows).", valueName: "bytes"))
    var storageBps: ByteCount?

    /// Whose form of OCI resources a worker takes.
    enum Platform: String, Sendable {
        case windows, linux
    }

    func validate() throws {
        if let cpus, !(cpus > 0 && cpus <= 65_535) { throw ValidationError("--cpus must be more than 0") }
        if let cpuPercent, !(cpuPercent > 0 && cpuPercent <= 100) {
            throw ValidationError("--cpu-percent must be more than 0 and at most 100")
        }
    }

    /// Whether no option was given.
    var isEmpty: Bool {
        memory == nil && cpus == nil && cpuShares == nil && cpuPercent == nil && pidsLimit == nil && storageIops == nil
            && storageBps == nil
    }

    /// The platform of the worker's driver.
    static func platform(_ session: Session) async throws -> Platform {
        let driver = try await session.call(.version)["driver"]?["name"]?.string ?? ""
        return driver.hasPrefix("hcs") ? .windows : .linux
    }

    /// OCI resources in the form of `platform`.
    func limits(for platform: Platform) throws -> Value {
        var cpu: Value.Map = [:]
        var limits: Value.Map = [:]
        if let memory { limits["memory"] = ["limit": .unsigned(memory.bytes)] }
        if let cpuShares { cpu["shares"] = .unsigned(cpuShares) }
        switch platform {
        case .windows:
            if pidsLimit != nil { throw ResourceOptions.impossible("--pids-limit", on: "Windows") }
            if let cpus {
                guard cpus == cpus.rounded() else {
                    throw Failure.invalidArgument(
                        "--cpus \(cpus): the worker's driver gives whole processors; use --cpu-percent for parts of the host"
                    )
                }
                cpu["count"] = .unsigned(UInt64(cpus))
            }
            if let cpuPercent { cpu["maximum"] = .unsigned(max(1, UInt64((cpuPercent * 100).rounded()))) }
            var storage: Value.Map = [:]
            if let storageIops { storage["iops"] = .unsigned(storageIops) }
            if let storageBps { storage["bps"] = .unsigned(storageBps.bytes) }
            if !storage.isEmpty { limits["storage"] = .map(storage) }
        case .linux:
            if cpuPercent != nil { throw ResourceOptions.impossible("--cpu-percent", on: "Linux") }
            if storageIops != nil || storageBps != nil {
                throw ResourceOptions.impossible("--storage-iops and --storage-bps", on: "Linux")
            }
            if let cpus {
                cpu["period"] = .unsigned(100_000)
                cpu["quota"] = .unsigned(UInt64((cpus * 100_000).rounded()))
            }
            if let pidsLimit { limits["pids"] = ["limit": .int(pidsLimit)] }
        }
        if !cpu.isEmpty { limits["cpu"] = .map(cpu) }
        return .map(limits)
    }

    private static func impossible(_ option: String, on platform: String) -> Failure {
        .invalidArgument("\(option): the worker's driver takes \(platform) resources, which have no such limit")
    }
}
