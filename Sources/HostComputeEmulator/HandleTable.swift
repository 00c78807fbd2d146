import Synchronization

/// What the opaque handles of the table stand for.
final class HandleTable: Sendable {
    enum Target: Sendable {
        case system(EmulatedSystem)
        case process(EmulatedProcess)
        case systemCallback(Registration, EmulatedSystem)
        case processCallback(Registration, EmulatedProcess)
        /// It belonged to a service that was restarted.
        case dead

        var isSystem: Bool {
            switch self {
            case .system, .dead: true
            default: false
            }
        }

        var isProcess: Bool {
            switch self {
            case .process, .dead: true
            default: false
            }
        }

        /// The compute system that it belongs to; nil for a dead one.
        var systemID: String? {
            switch self {
            case .system(let system), .systemCallback(_, let system): system.id
            case .process(let process), .processCallback(_, let process): process.system.id
            case .dead: nil
            }
        }
    }

    /// A part of the table. Every call looks a handle up, so that one lock would be where all threads meet.
    private final class Shard: Sendable {
        let targets = Mutex<[UInt: Target]>([:])
    }

    private static let shardCount = 64
    private static let step = 8

    private let shards = (0..<HandleTable.shardCount).map { _ in Shard() }
    // Handles are never used twice, so that a stale one is refused and never means something else.
    private let last = Atomic<UInt>(0x1000)

    private func shard(_ handle: UInt) -> Shard {
        shards[Int(handle / UInt(HandleTable.step) % UInt(HandleTable.shardCount))]
    }

    /// Gives a handle to the target.
    func add(_ target: Target) -> UInt {
        let handle = last.wrappingAdd(UInt(HandleTable.step), ordering: .relaxed).newValue
        shard(handle).targets.withLock { $0[handle] = target }
        return handle
    }

    subscript(handle: UInt) -> Target? {
        shard(handle).targets.withLock { $0[handle] }
    }

    /// Forgets the handle and returns what it stood for; nil when it was not open or is not `fitting`.
    func remove(_ handle: UInt, where fitting: (Target) -> Bool) -> Target? {
        shard(handle).targets.withLock { targets in
            guard let target = targets[handle], fitting(target) else { return nil }
            targets[handle] = nil
            return target
        }
    }

    /// How many handles there are of the compute system `id`, its processes and the callbacks of either.
    func count(of id: String) -> Int {
        shards.reduce(0) { sum, shard in
            sum + shard.targets.withLock { targets in targets.values.count { $0.systemID == id } }
        }
    }

    /// Turns the handles of systems and processes into dead ones and returns what all stood for. Callbacks stay, since
    /// their owners still have to wait for those that run.
    func killAll() -> [UInt: Target] {
        var all: [UInt: Target] = [:]
        for shard in shards {
            let targets = shard.targets.withLock { targets in
                let before = targets
                targets = before.mapValues { target in
                    switch target {
                    case .system, .process, .dead: .dead
                    case .systemCallback, .processCallback: target
                    }
                }
                return before
            }
            all.merge(targets) { first, _ in first }
        }
        return all
    }
}
