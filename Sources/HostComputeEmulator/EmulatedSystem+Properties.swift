import ContainerModel
import Glibc
import Synchronization

/// Answers to property queries (HostComputeService D.8, D.9).
extension EmulatedSystem {
    func properties(_ query: PropertyQuery) -> String {
        var document = basicProperties()
        if settings.keepsExited, let created = createdProcesses() { document.add("CreatedProcesses", json: created) }
        if query.asks(for: "PendingUpdates") {
            let pending = service.faults.strike(.getComputeSystemProperties, id) { (effect) -> Bool? in
                if case .updatesPending = effect { true } else { nil }
            }
            document.add("AreUpdatesPending", !pending.isEmpty)
        }
        if query.asks(for: "Statistics") { document.add("Statistics", json: statistics()) }
        if query.asks(for: "ProcessList") { document.add("ProcessList", json: processList()) }
        return document.finish()
    }

    /// What an enumeration shows of the system.
    func summary() -> String {
        basicProperties().finish()
    }

    private func basicProperties() -> JSONObject {
        let (phase, exit) = state.withLock { ($0.phase, $0.exit) }
        var properties = JSONObject()
        properties.add("Id", string: id)
        properties.add("Name", string: document.name)
        properties.add("SystemType", string: "Container")
        properties.add("Owner", string: document.owner)
        properties.add("State", string: phase.stateName)
        properties.add("RuntimeOsType", string: "Windows")
        let name = id.uppercased().utf16
        properties.add("RuntimeId", string: NameGuid(namespace: NameGuid.systems, name: name).text)
        if document.hyperV { properties.add("RuntimeImagePath", string: document.runtimeImage) }
        if let exit {
            properties.add("Stopped", true)
            properties.add("ExitType", string: exit.kind.rawValue)
        }
        return properties
    }

    /// The sessions that belong to the system now.
    private func liveFamily() -> [EmulatedProcessStatus] {
        let (leaders, orphaned) = state.withLock { (Array($0.processes.values), $0.orphanedSessions) }
        let running = leaders.filter { $0.exit == nil }.map(\.pid)
        if running.isEmpty, orphaned.isEmpty { return [] }
        return LiveProcesses.family(of: orphaned.union(running)).compactMap { EmulatedProcessStatus($0) }
    }

    private func statistics() -> String {
        let family = liveFamily()
        var commit: UInt64 = 0
        var shared: UInt64 = 0
        var live = ProcessUsage()
        for process in family {
            commit += process.residentBytes
            shared += min(process.residentBytes, process.sharedBytes())
            live.user100ns += process.userTicks * EmulatedProcessStatus.tickUnits
            live.kernel100ns += process.kernelTicks * EmulatedProcessStatus.tickUnits
            let storage = process.storage()
            live.readCount += storage.readCount
            live.readBytes += storage.readBytes
            live.writeCount += storage.writeCount
            live.writeBytes += storage.writeBytes
        }
        live.peakBytes = commit
        let (usage, startedAt) = state.withLock { state in
            state.usage.peakBytes = max(state.usage.peakBytes, commit)
            return (state.usage, state.startedAt)
        }
        live.add(usage)

        var memory = JSONObject()
        memory.add("MemoryUsageCommitBytes", commit)
        memory.add("MemoryUsageCommitPeakBytes", live.peakBytes)
        memory.add("MemoryUsagePrivateWorkingSetBytes", commit - shared)
        var processor = JSONObject()
        processor.add("TotalRuntime100ns", live.user100ns + live.kernel100ns)
        processor.add("RuntimeUser100ns", live.user100ns)
        processor.add("RuntimeKernel100ns", live.kernel100ns)
        var storage = JSONObject()
        storage.add("ReadCountNormalized", live.readCount)
        storage.add("ReadSizeBytes", live.readBytes)
        storage.add("WriteCountNormalized", live.writeCount)
        storage.add("WriteSizeBytes", live.writeBytes)

        let now = Timestamp.now
        var statistics = JSONObject()
        statistics.add("Timestamp", string: now.hostText)
        if let startedAt {
            statistics.add("ContainerStartTime", string: startedAt.hostText)
            statistics.add("Uptime100ns", now.duration(since: startedAt).hostUnits)
        }
        statistics.add("Memory", json: memory.finish())
        statistics.add("Processor", json: processor.finish())
        statistics.add("Storage", json: storage.finish())
        statistics.add("Network", json: networkStatistics())
        return statistics.finish()
    }

    /// Zero for every endpoint: the processes use the host's network.
    private func networkStatistics() -> String {
        let endpoints = resources.endpoints.map { endpoint in
            var network = JSONObject()
            network.add("BytesReceived", 0)
            network.add("BytesSent", 0)
            network.add("PacketsReceived", 0)
            network.add("PacketsSent", 0)
            network.add("DroppedPacketsIncoming", 0)
            network.add("DroppedPacketsOutgoing", 0)
            network.add("EndpointId", string: endpoint)
            network.add("InstanceId", string: endpoint)
            return network.finish()
        }
        return "[" + endpoints.joined(separator: ",") + "]"
    }

    private func processList() -> String {
        let known = state.withLock { $0.processes }
        let bootedAt = Timestamp.boot
        let processes = liveFamily().map { process in
            let shared = min(process.residentBytes, process.sharedBytes())
            let created =
                known[process.pid]?.createdAt
                ?? bootedAt.advanced(by: .nanoseconds(process.startTicks * EmulatedProcessStatus.tickUnits * 100))
            var entry = JSONObject()
            entry.add("CreateTimestamp", string: created.hostText)
            entry.add("ImageName", string: process.name)
            entry.add("KernelTime100ns", process.kernelTicks * EmulatedProcessStatus.tickUnits)
            entry.add("MemoryCommitBytes", process.residentBytes)
            entry.add("MemoryWorkingSetPrivateBytes", process.residentBytes - shared)
            entry.add("MemoryWorkingSetSharedBytes", shared)
            entry.add("ProcessId", process.pid)
            entry.add("UserTime100ns", process.userTicks * EmulatedProcessStatus.tickUnits)
            return entry.finish()
        }
        return "[" + processes.joined(separator: ",") + "]"
    }

    /// Every process that was created here and is still known, whether or not it has exited, and since when the list is
    /// complete. With it the next client finds processes that the previous one created and had no time to record. HCS
    /// has no such property. Nil while a process is being created.
    private func createdProcesses() -> String? {
        let (processes, since) = state.withLock { state in
            (state.spawning == 0 ? Array(state.processes.values) + state.kept : nil, state.listedFrom)
        }
        guard let processes else { return nil }
        let entries = processes.map { process in
            var entry = JSONObject()
            entry.add("ProcessId", process.pid)
            entry.add("CreateTimestamp", string: process.createdAt.hostText)
            return entry.finish()
        }
        var document = JSONObject()
        document.add("Since", string: since.hostText)
        document.add("Processes", json: "[" + entries.joined(separator: ",") + "]")
        return document.finish()
    }
}

extension Timestamp {
    /// As HCS writes an instant: with seven digits of a second [inf].
    fileprivate var hostText: String { rfc3339(digits: 7) }

    /// When the machine booted, which the start times of processes count from.
    fileprivate static var boot: Timestamp {
        var uptime = timespec()
        clock_gettime(CLOCK_BOOTTIME, &uptime)
        return now.advanced(by: .zero - .seconds(uptime.tv_sec) - .nanoseconds(uptime.tv_nsec))
    }
}

extension Duration {
    /// As HCS counts time: in units of 100 ns.
    fileprivate var hostUnits: Int64 { components.seconds * 10_000_000 + components.attoseconds / 100_000_000_000 }
}
