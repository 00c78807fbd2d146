import ContainerDriver
import ContainerModel

extension ComputeSystem {
    func pause() throws(DriverFailure) {
        try requireHyperV("pause")
        do throws(HostComputeError) {
            try run("HcsPauseComputeSystem", .pause, context.timeouts.pause) { system throws(HostComputeError) in
                try context.host.pause(system)
            }
        } catch {
            throw error.failure(subject)
        }
    }

    func resume() throws(DriverFailure) {
        try requireHyperV("resume")
        do throws(HostComputeError) {
            try run("HcsResumeComputeSystem", .resume, context.timeouts.resume) { system throws(HostComputeError) in
                try context.host.resume(system)
            }
        } catch {
            throw error.failure(subject)
        }
    }

    private func requireHyperV(_ verb: String) throws(DriverFailure) {
        guard isolation == .hyperV else {
            throw DriverFailure(
                .unimplemented,
                "\(verb) is not implemented for containers using process isolation, and \(subject) is one; create it "
                    + "with Hyper-V isolation")
        }
    }

    func resize(_ name: ProcessName, _ size: ConsoleSize) throws(DriverFailure) {
        let process = try runningProcess(name)
        guard process.terminal else {
            throw DriverFailure(
                .failedPrecondition, "\(process.subject) has no terminal; start it with terminal = true to have one")
        }
        let document = JSONWriter.object { json in
            json.field("Operation", "ConsoleSize")
            json.key("ConsoleSize")
            json.object {
                $0.field("Height", size.height)
                $0.field("Width", size.width)
            }
        }
        do throws(HostComputeError) {
            try process.handle.use("HcsModifyProcess") { handle throws(HostComputeError) in
                try context.host.modify(process: handle, document)
            }
        } catch {
            throw gone(error, process.subject)
        }
    }

    func statistics() throws(DriverFailure) -> ContainerStatistics {
        PropertyDocuments.statistics(try properties("Statistics"), readAt: .now)
    }

    /// The first process first, the others in HCS's order.
    func processList() throws(DriverFailure) -> [ProcessSummary] {
        var list = PropertyDocuments.processes(try properties("ProcessList"))
        let initial = withState { state in state.processes.first { $0.name == .initial }?.pid }
        if let index = list.firstIndex(where: { $0.pid == initial }), index > 0 {
            list.insert(list.remove(at: index), at: 0)
        }
        return list
    }

    private func properties(_ type: String) throws(DriverFailure) -> ContainerProperties {
        do throws(HostComputeError) {
            return try readProperties(PropertyDocuments.query(type))
        } catch {
            throw gone(error, subject)
        }
    }

    func readProperties(_ query: [UInt8]) throws(HostComputeError) -> ContainerProperties {
        try handle("HcsGetComputeSystemProperties").properties(query)
    }

    /// HCS answers a query during a stop with several errors, which all become one code (HostComputeService H).
    private func gone(_ error: HostComputeError, _ subject: String) -> DriverFailure {
        var failure = error.failure(subject)
        if error.isGone || error.isInvalidState { failure.code = .failedPrecondition }
        return failure
    }

    // MARK: Limits

    func update(_ resources: OCIResources, processors: UInt64) throws(DriverFailure) -> UpdatedResources {
        switch resources {
        case .linux(let linux): UpdatedResources(applied: [], ignored: Self.names(linux))
        case .windows(let windows, let endpoints): try update(windows, endpoints, processors)
        }
    }

    private func update(
        _ resources: WindowsResources, _ endpoints: [String]?, _ processors: UInt64
    ) throws(DriverFailure) -> UpdatedResources {
        // All is checked before anything is changed.
        let limits = try ResourceLimits(resources)
        var result = UpdatedResources(applied: [], ignored: [])
        if let memory = limits.memoryInMB {
            // HCS takes an even number; hcsshim rounds up too.
            let document = Self.modification("Container/Memory/SizeInMB") { $0.literal(memory + memory % 2) }
            try modify("memory.limit", document, &result)
        }
        if let processor = limits.processor {
            let (name, field, value): (String, String, UInt64) =
                switch processor {
                case .count(let count): ("cpu.count", "Count", min(count, processors))
                case .weight(let weight): ("cpu.shares", "Weight", weight)
                case .maximum(let maximum): ("cpu.maximum", "Maximum", maximum)
                }
            let document = Self.modification("Container/Processor") { json in
                json.object { $0.field(field, value) }
            }
            try modify(name, document, &result)
            if case .count(let count) = processor, count > processors {
                result.warnings.append(
                    "resources.cpu.count is \(count), and the host has \(processors) processors: \(processors) are used"
                )
            }
        }
        result.ignored += Self.zeros(resources)
        if let endpoints { try update(endpoints: endpoints, &result) }
        if resources.storageIOPS != nil { result.ignored.append("storage.iops") }
        if resources.storageBytesPerSecond != nil { result.ignored.append("storage.bps") }
        if resources.storageSandboxSize != nil { result.ignored.append("storage.sandboxSize") }
        return result
    }

    /// Changes one limit. Whether a running container takes it depends on the build of Windows and on how the container
    /// was made, so HCS is asked, and what it can't do is listed as ignored. A utility VM's limits are not among these
    /// paths.
    private func modify(
        _ name: String, _ document: [UInt8], _ result: inout UpdatedResources
    ) throws(DriverFailure) {
        guard isolation != .hyperV else {
            result.ignored.append(name)
            return
        }
        do throws(HostComputeError) {
            try use("HcsModifyComputeSystem") { system throws(HostComputeError) in
                try context.host.modify(system: system, document)
            }
            result.applied.append(name)
        } catch  where error.isNotSupported || error.code == 0x57 {
            // HCS answers "The parameter is incorrect" for a path that it does not know. [inf]
            result.ignored.append(name)
        } catch {
            throw error.failure(subject)
        }
    }

    private static func modification(_ path: String, _ settings: (inout JSONWriter) -> Void) -> [UInt8] {
        JSONWriter.object { json in
            json.field("ResourcePath", path)
            json.field("RequestType", "Update")
            json.key("Settings")
            settings(&json)
        }
    }

    /// Zero is no limit at creation; HCS has no way to lift one later.
    private static func zeros(_ resources: WindowsResources) -> [String] {
        [
            ("memory.limit", resources.memoryLimit), ("cpu.count", resources.cpuCount),
            ("cpu.shares", resources.cpuShares),
            ("cpu.maximum", resources.cpuMaximum),
        ].filter { $0.1 == 0 }.map { $0.0 } + (resources.hasAffinity ? ["cpu.affinity"] : [])
    }

    private static func names(_ resources: LinuxResources) -> [String] {
        [
            ("memory.limit", resources.memoryLimit != nil), ("cpu.shares", resources.cpuShares != nil),
            ("cpu.quota", resources.cpuQuota != nil), ("cpu.period", resources.cpuPeriod != nil),
            ("pids.limit", resources.pidsLimit != nil),
        ].filter { $0.1 }.map { $0.0 }
    }
}
