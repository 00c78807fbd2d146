import ContainerModel

/// The statistics of a compute system (HostComputeService D.9); times are in ticks of 100 ns.
struct StatisticsProperties: Decodable {
    @Lenient var timestamp: String?
    @Lenient var containerStartTime: String?
    @Lenient var uptime: UInt64?
    @Lenient var memory: Memory?
    @Lenient var processor: Processor?
    @Lenient var storage: Storage?
    @Lenient var network: [Lenient<Endpoint>]?

    private enum CodingKeys: String, CodingKey {
        case timestamp = "Timestamp"
        case containerStartTime = "ContainerStartTime"
        case uptime = "Uptime100ns"
        case memory = "Memory"
        case processor = "Processor"
        case storage = "Storage"
        case network = "Network"
    }

    struct Memory: Decodable {
        @Lenient var commit: UInt64?
        @Lenient var commitPeak: UInt64?
        @Lenient var privateWorkingSet: UInt64?

        private enum CodingKeys: String, CodingKey {
            case commit = "MemoryUsageCommitBytes"
            case commitPeak = "MemoryUsageCommitPeakBytes"
            case privateWorkingSet = "MemoryUsagePrivateWorkingSetBytes"
        }
    }

    struct Processor: Decodable {
        @Lenient var total: UInt64?
        @Lenient var user: UInt64?
        @Lenient var kernel: UInt64?

        private enum CodingKeys: String, CodingKey {
            case total = "TotalRuntime100ns"
            case user = "RuntimeUser100ns"
            case kernel = "RuntimeKernel100ns"
        }
    }

    struct Storage: Decodable {
        @Lenient var readCount: UInt64?
        @Lenient var readBytes: UInt64?
        @Lenient var writeCount: UInt64?
        @Lenient var writeBytes: UInt64?

        private enum CodingKeys: String, CodingKey {
            case readCount = "ReadCountNormalized"
            case readBytes = "ReadSizeBytes"
            case writeCount = "WriteCountNormalized"
            case writeBytes = "WriteSizeBytes"
        }
    }

    struct Endpoint: Decodable {
        @Lenient var id: String?
        @Lenient var bytesReceived: UInt64?
        @Lenient var bytesSent: UInt64?
        @Lenient var packetsReceived: UInt64?
        @Lenient var packetsSent: UInt64?
        @Lenient var droppedIncoming: UInt64?
        @Lenient var droppedOutgoing: UInt64?

        private enum CodingKeys: String, CodingKey {
            case id = "EndpointId"
            case bytesReceived = "BytesReceived"
            case bytesSent = "BytesSent"
            case packetsReceived = "PacketsReceived"
            case packetsSent = "PacketsSent"
            case droppedIncoming = "DroppedPacketsIncoming"
            case droppedOutgoing = "DroppedPacketsOutgoing"
        }
    }
}
