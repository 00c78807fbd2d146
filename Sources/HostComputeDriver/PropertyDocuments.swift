import ContainerDriver

import ContainerModel

/// What HCS is asked for, and what its answers mean (HostComputeService D.8, D.9). Missing fields read as zero.
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

    /// The statistics of an answer to `Statistics`.
    static func statistics(_ properties: ContainerProperties, readAt: Timestamp) -> ContainerStatistics {
        var result = ContainerStatistics(readAt: readAt)
        guard let statistics = properties.statistics else { return result }
        if let time = time(statistics.timestamp) { result.readAt = time }
        result.startedAt = time(statistics.containerStartTime)
        result.uptime = nanoseconds(statistics.uptime)
        if let memory = statistics.memory {
            result.memory.commit = memory.commit ?? 0
            result.memory.commitPeak = memory.commitPeak ?? 0
            result.memory.privateWorkingSet = memory.privateWorkingSet ?? 0
        }
        if let processor = statistics.processor {
            result.processor.total = nanoseconds(processor.total)
            result.processor.user = nanoseconds(processor.user)
            result.processor.kernel = nanoseconds(processor.kernel)
        }
        if let storage = statistics.storage {
            result.storage.readCount = storage.readCount ?? 0
            result.storage.readBytes = storage.readBytes ?? 0
            result.storage.writeCount = storage.writeCount ?? 0
            result.storage.writeBytes = storage.writeBytes ?? 0
        }
        result.network = (statistics.network ?? []).compactMap { $0.wrappedValue.map(endpoint) }
        return result
    }

    private static func endpoint(_ properties: StatisticsProperties.Endpoint) -> ContainerStatistics.NetworkEndpoint {
        var endpoint = ContainerStatistics.NetworkEndpoint()
        endpoint.endpoint = properties.id ?? ""
        endpoint.bytesReceived = properties.bytesReceived ?? 0
        endpoint.bytesSent = properties.bytesSent ?? 0
        endpoint.packetsReceived = properties.packetsReceived ?? 0
        endpoint.packetsSent = properties.packetsSent ?? 0
        endpoint.droppedIncoming = properties.droppedIncoming ?? 0
        endpoint.droppedOutgoing = properties.droppedOutgoing ?? 0
        return endpoint
    }

    /// The processes of an answer to `ProcessList`, in HCS's order.
    static func processes(_ properties: ContainerProperties) -> [ProcessSummary] {
        processes(properties.processList ?? [])
    }

    /// The processes of a list, in its order.
    static func processes(_ list: [Lenient<ProcessDetails>]) -> [ProcessSummary] {
        list.compactMap { entry in
            guard let details = entry.wrappedValue, let pid = details.id else { return nil }
            var process = ProcessSummary(pid: pid, image: details.image ?? "")
            process.createdAt = time(details.createdAt)
            process.userTime = nanoseconds(details.userTime)
            process.kernelTime = nanoseconds(details.kernelTime)
            process.memoryCommit = details.memoryCommit ?? 0
            process.memoryPrivate = details.memoryPrivate ?? 0
            process.memoryShared = details.memoryShared ?? 0
            return process
        }
    }

    static func time(_ text: String?) -> Timestamp? { text.flatMap(Timestamp.init(rfc3339:)) }

    /// Converts ticks to nanoseconds; more than 584 years become the greatest value.
    private static func nanoseconds(_ ticks: UInt64?) -> UInt64 {
        let (nanoseconds, overflow) = (ticks ?? 0).multipliedReportingOverflow(by: 100)
        return overflow ? .max : nanoseconds
    }
}
