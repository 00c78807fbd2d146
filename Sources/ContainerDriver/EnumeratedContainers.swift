public import ContainerModel

/// The containers of this worker that a service lists.
public struct EnumeratedContainers: Sendable, Equatable {
    /// All of them.
    public var ids: [ContainerID]
    /// Those whose compute system was created and never started: no process can have run in one.
    public var unstarted: Set<ContainerID>

    /// A list.
    public init(_ ids: [ContainerID] = [], unstarted: Set<ContainerID> = []) {
        self.ids = ids
        self.unstarted = unstarted
    }
}
