import ContainerDriver
import ContainerProtocol

/// The compute systems of a driver by their ids. Pure.
///
/// Ids that differ in the case of their letters only are one to HCS, which makes a utility VM's GUID from the id in
/// upper case. [inf]
struct SystemTable {
    private var systems: [ContainerID: ComputeSystem] = [:]
    private var folded: [String: ContainerID] = [:]

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
}
