import ContainerDriver
import ContainerModel

/// The compute systems of a driver by their ids: open ones, and those that are opened when a call needs them. Pure.
///
/// Ids that differ in the case of their letters only are one to HCS, which makes a utility VM's GUID from the id in
/// upper case. [inf]
struct SystemTable {
    private var systems: [ContainerID: ComputeSystem] = [:]
    private var folded: [String: ContainerID] = [:]
    /// Those that are not open, with what their records have of them.
    private var unopened: [ContainerID: KnownContainer] = [:]
    /// The container whose callback reports where the service goes away from those that are not open.
    var watched: ContainerID?

    subscript(id: ContainerID) -> ComputeSystem? { systems[id] }

    /// - Throws: `alreadyExists` where the id is taken, or differs from another one in case only.
    mutating func insert(_ system: ComputeSystem) throws(DriverFailure) {
        let key = system.id.rawValue.uppercased()
        if let taken = folded[key] {
            throw DriverFailure(
                .alreadyExists,
                taken == system.id
                    ? "\(system.subject) exists already; delete it first, or choose another id"
                    : "\(system.subject) differs from container '\(taken)' in the case of its letters only, which HCS takes for "
                        + "the same; choose another id")
        }
        systems[system.id] = system
        folded[key] = system.id
    }

    mutating func remove(_ system: ComputeSystem) {
        guard systems[system.id] === system else { return }
        systems[system.id] = nil
        folded[system.id.rawValue.uppercased()] = nil
    }

    // MARK: Those that are not open

    /// What is known of a container that is not open.
    func unopened(_ id: ContainerID) -> KnownContainer? { unopened[id] }

    /// The ids of all containers that are not open.
    var unopenedIDs: [ContainerID] { Array(unopened.keys) }

    /// One of them.
    var anyUnopened: (id: ContainerID, known: KnownContainer)? { unopened.first.map { ($0.key, $0.value) } }

    /// Adds a container that is not open.
    /// - Returns: false where its id is taken.
    mutating func addUnopened(_ id: ContainerID, _ known: KnownContainer) -> Bool {
        let key = id.rawValue.uppercased()
        guard folded[key] == nil else { return false }
        folded[key] = id
        unopened[id] = known
        return true
    }

    mutating func removeUnopened(_ id: ContainerID) {
        guard unopened.removeValue(forKey: id) != nil else { return }
        folded[id.rawValue.uppercased()] = nil
    }

    /// Moves a system from the unopened to the open ones; does nothing if it is no longer among the unopened.
    mutating func open(_ system: ComputeSystem) {
        guard unopened.removeValue(forKey: system.id) != nil else { return }
        systems[system.id] = system
    }
}
