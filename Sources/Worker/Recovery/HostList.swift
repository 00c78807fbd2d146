import ContainerDriver
import ContainerModel
import DequeModule
import Logging

/// The list of what the host has, which is asked for once when the worker starts.
///
/// It takes up in batches the containers that were created and never started: opening each costs several calls. And it
/// finds those that have no record. On the loop only.
final class HostList {
    private enum State {
        case awaited
        /// The containers that were never started.
        case here(Set<ContainerID>)
        /// The host cannot give it, or not in time: every container is opened.
        case absent
    }

    private let services: HostServices
    private var state = State.awaited
    /// Containers that wait for the list, or for their batch.
    private var waiting = Deque<ContainerID>()
    /// Whether every record has been read.
    private var areAllKnown = false
    private var orphans: [ContainerID]?
    private var whenOrphansAreKnown: (([ContainerID]) -> Void)?

    /// How long containers wait for the list: a host that hangs over it may still answer for each.
    private static let patience = Duration.seconds(30)
    /// The most containers in a batch.
    private static let batchSize = 512

    init(_ services: HostServices) { self.services = services }

    /// Asks for the list.
    /// - Parameter known: the containers that have a record.
    func ask(_ known: [ContainerID]) {
        let driver = services.driver
        guard driver.capabilities.contains(.restore) else { return settle(.absent) }
        services.calls.make(.list) { () throws(DriverFailure) in
            let found = try driver.enumerate()
            let known = Set(known)
            return (unstarted: found.unstarted, orphans: found.ids.filter { !known.contains($0) })
        } then: { [self] result in
            switch result {
            case .success(let found):
                settle(.here(found.unstarted))
                orphans = found.orphans
                whenOrphansAreKnown?(found.orphans)
                whenOrphansAreKnown = nil
            case .failure(let failure):
                services.logger.error(
                    "the host cannot list its containers", metadata: ["error": "\(failure)"])
                settle(.absent)
            }
        }
        services.loop.schedule(after: HostList.patience) { [weak self] in self?.settle(.absent) }
    }

    private func settle(_ new: State) {
        guard case .awaited = state else { return }
        state = new
        if areAllKnown { takeNext() }
    }

    /// Runs `body` once with this worker's containers that have no record, when the host has returned its list.
    func withOrphans(_ body: @escaping ([ContainerID]) -> Void) {
        if let orphans { body(orphans) } else { whenOrphansAreKnown = body }
    }

    // MARK: Adopting

    /// Adds a container whose record shows it as unstarted.
    func add(_ id: ContainerID) { waiting.append(id) }

    /// Adopts the added containers, as soon as the list is here. No container is added after this.
    func takeUpAll() {
        areAllKnown = true
        if case .awaited = state { return }
        takeNext()
    }

    /// Adopts the next batch in the next turn, so that each turn has only one batch.
    private func takeNext() {
        guard !waiting.isEmpty else { return state = .absent }
        services.loop.schedule(after: .zero) { [self] in takeBatch() }
    }

    private func takeBatch() {
        let batch = Array(waiting.prefix(HostList.batchSize))
        waiting.removeFirst(batch.count)
        guard case .here(let unstarted) = state else { return visit(batch) { $0.open() } }
        let listed = batch.filter(unstarted.contains).compactMap { id in
            services.pool.container(id).map { (id: id, known: $0.enter { $0.known }) }
        }
        guard !listed.isEmpty else { return visit(batch) { $0.open() } }
        let driver = services.driver
        services.calls.make(.open) { () throws(DriverFailure) in
            try driver.takeUpUnstarted(listed)
        } then: { [self] result in
            let areTakenUp = if case .success = result { true } else { false }
            visit(batch) { container in
                if areTakenUp, unstarted.contains(container.id) { container.foundUnstarted() } else { container.open() }
            }
        }
    }

    private func visit(_ batch: [ContainerID], _ body: @escaping (isolated Container) -> Void) {
        services.pool.visit(batch[...]) {
            $0.enter(body)
        } then: { [self] in
            takeNext()
        }
    }
}
