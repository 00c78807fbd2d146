import ContainerDriver
import ContainerModel

/// The limits of a container in HCS's units, checked.
struct ResourceLimits: Equatable {
    /// HCS takes one limit of the processors, not several.
    enum Processor: Equatable {
        case count(UInt64)
        case weight(UInt64)
        /// Percent times 100.
        case maximum(UInt64)
    }

    var processor: Processor?
    var memoryInMB: UInt64?

    /// - Throws: `invalidArgument` naming the field. Zero means what it means to HCS: not limited. Less memory than HCS can
    ///   count is refused, because a limit that was rounded away would be none.
    init(_ resources: WindowsResources) throws(DriverFailure) {
        if let limit = resources.memoryLimit, limit != 0 {
            guard limit >= 1 << 20 else {
                throw DriverFailure(
                    .invalidArgument,
                    "spec.windows.resources.memory.limit must be at least 1048576 bytes; it is \(limit): leave it out "
                        + "for no limit")
            }
            memoryInMB = limit >> 20
        }
        let given: [(name: String, value: UInt64, make: (UInt64) -> Processor, largest: UInt64)] = [
            ("count", resources.cpuCount ?? 0, { .count($0) }, UInt64(UInt32.max)),
            ("shares", resources.cpuShares ?? 0, { .weight($0) }, 10_000),
            ("maximum", resources.cpuMaximum ?? 0, { .maximum($0) }, 10_000),
        ].filter { $0.1 != 0 }
        guard given.count <= 1 else {
            let names = given.map { $0.name }.joined(separator: ", ")
            throw DriverFailure(
                .invalidArgument,
                "spec.windows.resources.cpu has \(names), and HCS takes only one of count, shares and maximum")
        }
        guard let limit = given.first else { return }
        guard limit.value <= limit.largest else {
            throw DriverFailure(
                .invalidArgument,
                "spec.windows.resources.cpu.\(limit.name) must be 1 to \(limit.largest); it is \(limit.value)")
        }
        processor = limit.make(limit.value)
    }
}
