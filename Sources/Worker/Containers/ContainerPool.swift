import ContainerDriver
import ContainerProtocol
import Logging
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
    private var whenIdle: (@Sendable () -> Void)?
    /// Containers whose host is being asked for them, after a start of the worker.
    private(set) var restoring: Set<ContainerID> = []
    private var whenRestored: (@Sendable () -> Void)?
    /// Compute systems of this worker's own of which it has no record.
    var orphans: [ContainerID] = []
    /// Containers whose record this worker does not understand: a later one may, and until then they are left alone.
    var unreadable: Set<ContainerID> = []
    /// Those without a record that are just being ended: their ids are not free yet.
    private var ending: Set<ContainerID> = []

    init(services: HostServices, gateway: CommandGateway) {
        self.services = services
        self.gateway = gateway
        unownedExecutor = services.loop.asUnownedSerialExecutor()
    }

    var loop: SocketLoop { services.loop }

    /// How many containers there are, stopped ones included.
    var count: Int { queues.count }

    /// The queue of `id`.
    func queue(_ id: ContainerID) -> ContainerQueue? { queues[id] }

    // MARK: Commands

    /// Hands a command to its container's line.
    func offer(_ command: QueuedCommand) {
        if let queue = queues[command.id] { return queue.assumeIsolated { $0.offer(command) } }
        if ending.contains(command.id) {
            return command.responder.fail(
                Failure(
                    .unavailable, "a container \(command.id) without a record is just being ended; send this again",
                    retryable: true, details: ["retry_after_ms": 100]))
        }
        if unreadable.contains(command.id) { return command.responder.fail(.unreadableRecord(command.id)) }
        switch command.kind {
        case .create:
            if let refusal = whyNotCreated() { return command.responder.fail(refusal) }
            makeQueue(command.id).assumeIsolated { $0.offer(command) }
        case .restore:
            guard services.driver.capabilities.contains(.restore) else { fallthrough }
            makeQueue(command.id).assumeIsolated { $0.adopt(command) }
        default: command.responder.fail(.noContainer(command.id))
        }
    }

    private func makeQueue(_ id: ContainerID) -> ContainerQueue {
        let queue = ContainerQueue(id, services: services, pool: self)
        queues[id] = queue
        order.insert(id)
        orphans.removeAll { $0 == id }
        return queue
    }

    // MARK: Finding containers again

    /// Takes up the containers that a worker before this one had, and calls `done` when the host has been asked for
    /// every one of them.
    func restore(
        _ containers: [(id: ContainerID, saved: SavedContainer)],
        _ responder: @escaping @Sendable (RequestKey?) -> Responder,
        done: @escaping @Sendable () -> Void
    ) {
        whenRestored = done
        restoring = Set(containers.map(\.id))
        for (id, saved) in containers {
            let queue = makeQueue(id)
            queue.assumeIsolated { queue in queue.takeUp(saved, responder) }
            if !queue.assumeIsolated({ $0.isRestoring }) { restoring.remove(id) }
        }
        tellIfRestored()
    }

    /// The host has been asked for `id`.
    func restored(_ id: ContainerID) {
        restoring.remove(id)
        orphans.removeAll { $0 == id }
        tellIfRestored()
    }

    private func tellIfRestored() {
        guard restoring.isEmpty, let done = whenRestored else { return }
        whenRestored = nil
        done()
    }

    /// Deals with compute systems that are this worker's own and of which it has no record, as the settings say.
    /// - Parameter known: those that there were a record of when the host was asked.
    func settleOrphans(_ found: [ContainerID], besides known: Set<ContainerID>) {
        let strangers = found.filter { queues[$0] == nil && !known.contains($0) && !unreadable.contains($0) }
        for id in strangers {
            services.logger.warning(
                "the host has a container of this worker's own that there is no record of",
                metadata: ["container": "\(id)", "orphans": "\(services.configuration.orphans.rawValue)"])
            switch services.configuration.orphans {
            case .adopt: makeQueue(id).assumeIsolated { $0.adopt(nil) }
            case .report: orphans.append(id)
            case .terminate:
                let (driver, logger) = (services.driver, services.logger)
                ending.insert(id)
                services.calls.make(urgency: .urgent) { () throws(DriverFailure) in
                    try driver.discard(id)
                } then: { [self] result in
                    assumeIsolated { _ = $0.ending.remove(id) }
                    guard case .failure(let failure) = result else { return }
                    logger.error(
                        "a container without a record could not be ended",
                        metadata: ["container": "\(id)", "error": "\(failure)"])
                }
            }
        }
    }

    /// The service went away, and every handle with it: each container is asked for again.
    func detachAll() {
        for queue in Array(queues.values) { queue.assumeIsolated { $0.detach() } }
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
        tellIfIdle()
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

    /// The ids of all containers.
    func everyID() -> [ContainerID] { Array(queues.keys) }

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

    /// A container's first process has ended, or a container is no more.
    func tellIfIdle() {
        guard let done = whenIdle else { return }
        let isBusy = queues.values.contains { queue in queue.assumeIsolated { $0.isBusy } }
        guard !isBusy else { return }
        whenIdle = nil
        done()
    }

    /// Ends every container by force and calls `done` when none runs any more.
    func endAll(_ done: @escaping @Sendable () -> Void) {
        isDraining = true
        whenIdle = done
        let gateway = gateway
        for queue in Array(queues.values) {
            let responder = gateway.assumeIsolated { $0.internalResponder() }
            queue.assumeIsolated { $0.end(responder) }
        }
        tellIfIdle()
    }
}

extension Failure {
    fileprivate static func unreadableRecord(_ id: ContainerID) -> Failure {
        Failure(
            .failedPrecondition,
            "the record of \(id) in the journal cannot be read by this worker; start the version of windlass that wrote it"
        )
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
