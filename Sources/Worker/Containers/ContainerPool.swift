import ContainerDriver
import ContainerProtocol
import MessagePack
import ZeroMQ

/// All containers of a host, by id.
///
/// Owns the queues and runs on the socket loop. It makes a queue for a `create`, hands every other command to the queue
/// that has its id, and forgets the queue when its container is gone.
actor ContainerPool {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    unowned let gateway: CommandGateway
    private let services: HostServices
    private var queues: [ContainerID: ContainerQueue] = [:]
    private var order = ContainerOrder()
    /// Whether no new container is taken.
    private(set) var isDraining = false
    private var whenEmpty: (@Sendable () -> Void)?
    private var whenIdle: (@Sendable () -> Void)?

    init(services: HostServices, gateway: CommandGateway) {
        self.services = services
        self.gateway = gateway
        unownedExecutor = services.loop.asUnownedSerialExecutor()
    }

    /// How many containers there are, stopped ones included.
    var count: Int { queues.count }

    /// The queue of `id`.
    func queue(_ id: ContainerID) -> ContainerQueue? { queues[id] }

    // MARK: Commands

    /// Hands a command to its container's line.
    func offer(_ command: QueuedCommand) {
        if let queue = queues[command.id] { return queue.assumeIsolated { $0.offer(command) } }
        guard case .create = command.kind else { return command.responder.fail(.noContainer(command.id)) }
        if let refusal = whyNotCreated() { return command.responder.fail(refusal) }
        let queue = ContainerQueue(command.id, services: services, pool: self)
        queues[command.id] = queue
        order.insert(command.id)
        queue.assumeIsolated { $0.offer(command) }
    }

    private func whyNotCreated() -> Failure? {
        if isDraining {
            return Failure(.unavailable, "the host drains and takes no new container; create it on another host")
        }
        let limit = services.configuration.limits.containers
        guard queues.count >= limit else { return nil }
        return .exhausted(
            "the host has \(limit) containers, which is its limit; delete stopped ones", retryAfterMilliseconds: 1000)
    }

    /// A container is no more; `commands` came after its end.
    func forget(_ id: ContainerID, then commands: [QueuedCommand]) {
        queues[id] = nil
        order.remove(id)
        for command in commands { offer(command) }
        tellIfEmpty()
    }

    // MARK: Looking

    /// Records of all containers that `list` asks for, and where to go on.
    func list(_ query: Command.List, bytes: Int) -> (records: [ContainerRecord], next: String?) {
        var records: [ContainerRecord] = []
        var left = bytes
        for id in order.ids(after: query.after) {
            guard let record = record(id) else { continue }
            if let states = query.states, !states.contains(record.state) { continue }
            guard query.labels.allSatisfy({ record.labels[$0.key] == $0.value }) else { continue }
            // One more that fits no more: the page ends with the one before.
            if records.count == query.limit || left <= 0 { return (records, records.last?.id.rawValue) }
            records.append(record)
            left -= record.approximateSize
        }
        return (records, nil)
    }

    /// Records of all containers at this instant.
    func everyRecord() -> [ContainerRecord] { order.ids(after: nil).compactMap { record($0) } }

    /// The record of `id`.
    func record(_ id: ContainerID) -> ContainerRecord? {
        queues[id]?.assumeIsolated { $0.record }
    }

    /// Ids of all containers whose first process runs.
    func liveContainers() -> [ContainerID] {
        queues.values.compactMap { queue in queue.assumeIsolated { $0.state.isLive ? $0.id : nil } }
    }

    /// Containers with a driver call that has outlived its watchdog.
    func stuckContainers() -> [ContainerID] {
        queues.values.compactMap { queue in queue.assumeIsolated { $0.calls.stuck.isEmpty ? nil : $0.id } }
    }

    // MARK: What the driver tells

    func exited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit) {
        queues[id]?.assumeIsolated { $0.exited(process, exit) }
    }

    // MARK: The end

    /// From now on no new container is taken.
    func drain() { isDraining = true }

    /// Calls `done` when no container's first process runs.
    func whenIdle(_ done: @escaping @Sendable () -> Void) {
        whenIdle = done
        tellIfIdle()
    }

    /// A container's first process has ended.
    func tellIfIdle() {
        guard let done = whenIdle else { return }
        let isBusy = queues.values.contains { queue in queue.assumeIsolated { $0.isBusy } }
        guard !isBusy else { return }
        whenIdle = nil
        done()
    }

    /// Ends every container by force and calls `done` when none is left.
    func endAll(_ done: @escaping @Sendable () -> Void) {
        isDraining = true
        whenEmpty = done
        let gateway = gateway
        for queue in Array(queues.values) {
            let responder = gateway.assumeIsolated { $0.internalResponder() }
            queue.assumeIsolated { $0.end(responder) }
        }
        tellIfEmpty()
    }

    private func tellIfEmpty() {
        guard queues.isEmpty, let done = whenEmpty else { return }
        whenEmpty = nil
        done()
    }
}

/// The ids of all containers in their order, for pages of `list`.
///
/// Ids that came are sorted in when the order is asked for, so that neither a creation nor a page costs more than it must.
struct ContainerOrder {
    private var sorted: [ContainerID] = []
    private var added: Set<ContainerID> = []
    private var removed: Set<ContainerID> = []

    mutating func insert(_ id: ContainerID) {
        if removed.remove(id) == nil { added.insert(id) }
    }

    mutating func remove(_ id: ContainerID) {
        if added.remove(id) == nil { removed.insert(id) }
    }

    /// All ids after `text`, in order.
    mutating func ids(after text: String?) -> ArraySlice<ContainerID> {
        settle()
        guard let text else { return sorted[...] }
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].rawValue <= text { low = middle + 1 } else { high = middle }
        }
        return sorted[low...]
    }

    private mutating func settle() {
        guard !added.isEmpty || !removed.isEmpty else { return }
        var merged: [ContainerID] = []
        merged.reserveCapacity(sorted.count + added.count)
        var new = added.sorted { $0.rawValue < $1.rawValue }[...]
        for id in sorted where !removed.contains(id) {
            while let first = new.first, first.rawValue < id.rawValue {
                merged.append(first)
                new = new.dropFirst()
            }
            merged.append(id)
        }
        merged += new
        sorted = merged
        added = []
        removed = []
    }
}

extension ContainerRecord {
    /// About how many bytes it has on the wire.
    var approximateSize: Int {
        320 + 2 * id.rawValue.utf8.count + processes.count * 120
            + labels.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 4 }
            + imageLayers.reduce(0) { $0 + $1.utf8.count + 4 } + ignored.reduce(0) { $0 + $1.utf8.count + 2 }
    }
}
