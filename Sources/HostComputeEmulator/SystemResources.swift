/// What a compute system was given to use: validated and remembered, never enforced.
public struct SystemResources: Sendable, Equatable {
    /// The limit of memory in MiB; nil when none was set.
    public internal(set) var memoryInMB: Int64?
    /// The number of processors; nil when none was set.
    public internal(set) var processorCount: Int64?
    /// The weight of the processors, 1 to 10000; nil when none was set.
    public internal(set) var processorWeight: Int64?
    /// The share of the processors in percent times 100, 1 to 10000; nil when none was set.
    public internal(set) var processorMaximum: Int64?
    /// The ids of the network endpoints, in order of arrival.
    public internal(set) var endpoints: [String] = []
}
