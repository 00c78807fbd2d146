import ContainerModel

/// How a container counts among those of its host.
struct ContainerStanding: Equatable, Sendable {
    /// Something of it runs or is about to: not where it has only been created, or has ended.
    var isBusy = false
    /// A driver call has outlived its watchdog.
    var isStuck = false
    /// It has stopped, and waits for its removal.
    var isStopped = false
    /// Its state; nil before it counts, and where it is gone.
    var state: ContainerRecord.State?
    /// How many commands wait in its queue.
    var waiting: Int32 = 0
}
