/// What the worker's record has of a container that a driver opens again, and the service may not report.
public struct KnownContainer: Sendable, Equatable {
    /// Whether it can be paused, as its creation reported; nil if the worker died before it knew that.
    public var canPause: Bool?
    /// The first process's working directory: where an exec starts that names none.
    public var directory = ""
    /// Whether it is a servicing run, which merges a container's updates.
    public var isServicing = false

    /// A container of which nothing is known.
    public init() {}
}
