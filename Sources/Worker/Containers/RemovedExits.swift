import ContainerModel
import OrderedCollections

/// The newest exits of containers that the worker has removed by itself. Pure.
struct RemovedExits {
    private var exits: OrderedDictionary<ContainerID, Exit> = [:]
    private static let limit = 1024

    /// Nil for a container that is not among the newest, or that another one has taken the id of.
    subscript(id: ContainerID) -> Exit? {
        get { exits[id] }
        set {
            exits.removeValue(forKey: id)
            guard let newValue else { return }
            // Half of them at a time, because each removal at the front moves the rest.
            if exits.count >= RemovedExits.limit { exits.removeFirst(RemovedExits.limit / 2) }
            exits[id] = newValue
        }
    }
}
