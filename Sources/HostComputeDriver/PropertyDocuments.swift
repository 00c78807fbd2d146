import ContainerDriver

import struct MessagePack.Timestamp

/// What HCS is asked for, and what its answers mean (hcs-reference D.8, D.9). Missing fields read as zero.
enum PropertyDocuments {
    /// The query for one property type.
    static func query(_ type: String) -> [UInt8] {
        JSONWriter.object { json in
            json.key("PropertyTypes")
            json.array([type]) { $0.string($1) }
        }
    }

    /// The query for basic properties.
    static let basic = Array("{}".utf8)

    /// The statistics of an answer to `Statistics`; HCS counts time in ticks of 100 ns.
    static func statistics(_ properties: JSONValue, readAt: Timestamp) -> ContainerStatistics {
        var result = ContainerStatistics(readAt: readAt)
        guard let statistics = properties["Statistics"] else { return result }
        if let time = statistics["Timestamp"]?.string.flatMap(SystemTime.init(parsing:)) {
            result.readAt = time.timestamp
        }
        result.startedAt = statistics["ContainerStartTime"]?.string.flatMap(SystemTime.init(parsing:))?.timestamp
        result.uptime = ticks(statistics["Uptime100ns"])
        if let memory = statistics["Memory"] {
            result.memory.commit = number(memory["MemoryUsageCommitBytes"])
            result.memory.commitPeak = number(memory["MemoryUsageCommitPeakBytes"])
            result.memory.privateWorkingSet = number(memory["MemoryUsagePrivateWorkingSetBytes"])
        }
        if let processor = statistics["Processor"] {
            result.processor.total = ticks(processor["TotalRuntime100ns"])
            result.processor.user = ticks(processor["RuntimeUser100ns"])
            result.processor.kernel = ticks(processor["RuntimeKernel100ns"])
        }
        if let storage = statistics["Storage"] {
            result.storage.readCount = number(storage["ReadCountNormalized"])
            result.storage.readBytes = number(storage["ReadSizeBytes"])
            result.storage.writeCount = number(storage["WriteCountNormalized"])
            result.storage.writeBytes = number(storage["WriteSizeBytes"])
        }
        result.network = (statistics["Network"]?.array ?? []).map(endpoint)
        return result
    }

    private static func endpoint(_ value: JSONValue) -> ContainerStatistics.NetworkEndpoint {
        var endpoint = ContainerStatistics.NetworkEndpoint()
        endpoint.endpoint = value["EndpointId"]?.string ?? ""
        endpoint.bytesReceived = number(value["BytesReceived"])
        endpoint.bytesSent = number(value["BytesSent"])
        endpoint.packetsReceived = number(value["PacketsReceived"])
        endpoint.packetsSent = number(value["PacketsSent"])
        endpoint.droppedIncoming = number(value["DroppedPacketsIncoming"])
        endpoint.droppedOutgoing = number(value["DroppedPacketsOutgoing"])
        return endpoint
    }

    /// The processes of an answer to `ProcessList`, in HCS's order.
    static func processes(_ properties: JSONValue) -> [ProcessSummary] {
        (properties["ProcessList"]?.array ?? []).compactMap { value in
            guard let pid = value["ProcessId"]?.uint32 else { return nil }
            var process = ProcessSummary(pid: pid, image: value["ImageName"]?.string ?? "")
            process.createdAt = value["CreateTimestamp"]?.string.flatMap(SystemTime.init(parsing:))?.timestamp
            process.userTime = ticks(value["UserTime100ns"])
            process.kernelTime = ticks(value["KernelTime100ns"])
            process.memoryCommit = number(value["MemoryCommitBytes"])
            process.memoryPrivate = number(value["MemoryWorkingSetPrivateBytes"])
            process.memoryShared = number(value["MemoryWorkingSetSharedBytes"])
            return process
        }
    }

    private static func number(_ value: JSONValue?) -> UInt64 { value?.uint64 ?? 0 }

    /// Nanoseconds of ticks; more than 584 years read as the most that can be said.
    private static func ticks(_ value: JSONValue?) -> UInt64 {
        let (nanoseconds, overflow) = number(value).multipliedReportingOverflow(by: 100)
        return overflow ? .max : nanoseconds
    }
}
