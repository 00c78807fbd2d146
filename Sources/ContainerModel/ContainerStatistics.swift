/// What a container uses; times in nanoseconds, sizes in bytes. What a driver does not know is zero.
public struct ContainerStatistics: Sendable, Equatable {
    /// When it was read.
    public var readAt: Timestamp
    /// When the compute system started.
    public var startedAt: Timestamp?
    /// How long it has run.
    public var uptime: UInt64 = 0
    /// Memory.
    public var memory = Memory()
    /// Processor time.
    public var processor = Processor()
    /// Storage.
    public var storage = Storage()
    /// One entry per network endpoint.
    public var network: [NetworkEndpoint] = []

    /// Nothing used yet.
    public init(readAt: Timestamp) { self.readAt = readAt }

    /// Bytes of memory.
    public struct Memory: Sendable, Equatable {
        /// Committed now.
        public var commit: UInt64 = 0
        /// The most that was ever committed.
        public var commitPeak: UInt64 = 0
        /// The private working set.
        public var privateWorkingSet: UInt64 = 0
        /// Nothing.
        public init() {}
    }

    /// Nanoseconds of processor time.
    public struct Processor: Sendable, Equatable {
        /// User and kernel together.
        public var total: UInt64 = 0
        /// User mode.
        public var user: UInt64 = 0
        /// Kernel mode.
        public var kernel: UInt64 = 0
        /// Nothing.
        public init() {}
    }

    /// Storage operations and bytes.
    public struct Storage: Sendable, Equatable {
        /// Reads.
        public var readCount: UInt64 = 0
        /// Bytes read.
        public var readBytes: UInt64 = 0
        /// Writes.
        public var writeCount: UInt64 = 0
        /// Bytes written.
        public var writeBytes: UInt64 = 0
        /// Nothing.
        public init() {}
    }

    /// One network endpoint's counters.
    public struct NetworkEndpoint: Sendable, Equatable {
        /// The HNS endpoint's id.
        public var endpoint = ""
        /// Bytes in.
        public var bytesReceived: UInt64 = 0
        /// Bytes out.
        public var bytesSent: UInt64 = 0
        /// Packets in.
        public var packetsReceived: UInt64 = 0
        /// Packets out.
        public var packetsSent: UInt64 = 0
        /// Packets that were dropped on the way in.
        public var droppedIncoming: UInt64 = 0
        /// Packets that were dropped on the way out.
        public var droppedOutgoing: UInt64 = 0
        /// Nothing.
        public init() {}
    }
}
