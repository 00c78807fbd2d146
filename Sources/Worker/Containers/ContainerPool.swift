import ContainerDriver
import ContainerModel
import ContainerProtocol
import Logging
import MessagePack

/// All containers of a host, by id and in order, with their counts and limits. On the loop only.
final class ContainerPool {
    private unowned let services: HostServices
    private var containers: [ContainerID: Container] = [:]
    private var order = ContainerOrder()
    /// Ids that no new container may take, although there is no container here.
    private var reserved: [ContainerID: Reservation] = [:]
    /// How many records have not been read yet after a start of the worker.
    private(set) var recovering = 0
    /// Containers whose host is being asked for them, after a start of the worker.
    private(set) var opening: Set<ContainerID> = []
    /// Compute systems of this worker's own of which it has no record.
    private(set) var orphans: Set<ContainerID> = []
    /// Containers with a driver call that has outlived its watchdog.
    private(set) var stuck: Set<ContainerID> = []
    /// What is counted of all of them.
    var figures = ContainerFigures()
    /// How many containers are busy.
    private(set) var busyCount = 0
    /// Whether no new container is taken.
    private(set) var isDraining = false
    /// Whether every container is being ended: those that are still to be recovered, too.
    private(set) var isEnding = false
    private var stopped = StoppedContainers()
    /// Exits of the containers that `auto_remove` has deleted last, for peers whose `wait` comes behind that.
    private var removedExits = RemovedExits()
    private var whenIdle: (() -> Void)?
    /// Restores a container whose record has not been read yet.
    var recoverNow: ((ContainerID) -> Void)?
    private var whenOpened: (() -> Void)?
    private var whenRead: [() -> Void] = []

    /// Why an id is taken although there is no container here.
    enum Reservation {
        /// Its record has not been read yet after a start of the worker.
        case recovering
        /// Its record is not understood: a later worker may, and until then it is left alone.
        case unreadable
        /// A compute system without a record is being ended.
        case ending
    }

    init(_ services: HostServices) { self.services = services }

    /// How many containers there are, stopped ones included.
    var count: Int { containers.count }

    /// The container called `id`.
    func container(_ id: ContainerID) -> Container? {
        if let container = containers[id] { return container }
        guard recovering > 0, reserved[id] == .recovering else { return nil }
        recoverNow?(id)
        return containers[id]
    }

    /// Why there is no container called `id` here.
    func absence(of id: ContainerID) -> Failure { reserved[id].map { Failure($0, id) } ?? .noContainer(id) }

    /// Whether the id is a container's, or may be.
    func isKnown(_ id: ContainerID) -> Bool { containers[id] != nil || reserved[id] != nil }

    /// The ids of all containers.
    var ids: Set<ContainerID> { Set(containers.keys) }

    // MARK: Commands

    /// Hands a command to its container's queue.
    func offer(_ command: QueuedCommand) {
        if let container = container(command.id) { return container.enter { $0.offer(command) } }
        if let reservation = reserved[command.id] {
            command.responder?.fail(Failure(reservation, command.id))
            return
        }
        switch command.kind {
        case .create:
            if let refusal = creationRefusal() {
                command.responder?.fail(refusal)
                return
            }
            make(command.id).enter { $0.offer(command) }
        case .restore where services.driver.capabilities.contains(.restore):
            make(command.id).enter { $0.adopt(command) }
        default: command.responder?.fail(.noContainer(command.id))
        }
    }

    /// Makes the container called `id`.
    func make(_ id: ContainerID) -> Container {
        let container = Container(id, LoopBound(services, to: services.loop))
        containers[id] = container
        order.insert(id)
        orphans.remove(id)
        return container
    }

    private func creationRefusal() -> Failure? {
        if isDraining {
            return Failure(.unavailable, "the host drains and takes no new container; create it on another host")
        }
        let limit = services.configuration.limits.containers
        guard containers.count >= limit else { return nil }
        return .exhausted(
            "the host has \(limit) containers, which is its limit; delete stopped ones", retryAfterMilliseconds: 1000)
    }

    /// How a container ended that `auto_remove` has just deleted; nil for others.
    func exit(ofRemoved id: ContainerID) -> Exit? { containers[id] == nil ? removedExits[id] : nil }

    /// A container was removed; `commands` came after its end.
    /// - Parameter exit: how it ended, where the worker has removed it by itself.
    func forget(_ id: ContainerID, _ exit: Exit? = nil, then commands: [QueuedCommand]) {
        removedExits[id] = exit
        containers[id] = nil
        stopped.remove(id)
        order.remove(id)
        for command in commands { offer(command) }
    }

    // MARK: What containers report

    /// A container counts otherwise than before.
    func changed(_ id: ContainerID, from old: ContainerStanding, to new: ContainerStanding) {
        figures.changed(from: old, to: new)
        busyCount += (new.isBusy ? 1 : 0) - (old.isBusy ? 1 : 0)
        if new.isStuck { stuck.insert(id) } else { stuck.remove(id) }
        if !new.isStopped { stopped.remove(id) }
        runIfIdle()
    }

    /// A container has stopped.
    func stopped(_ id: ContainerID, at time: Timestamp) { stopped.insert(id, at: time) }

    /// Removes containers that have been stopped for longer than the settings allow, or are too many; the first that
    /// stopped go first.
    func removeExpired() {
        let (limits, times) = (services.configuration.limits, services.configuration.times)
        guard limits.stoppedContainers > 0 || times.stoppedRetention > .zero else { return }
        let bound =
            times.stoppedRetention > .zero
            ? services.loop.timestamp.advanced(by: .zero - times.stoppedRetention) : nil
        let limit = limits.stoppedContainers > 0 ? limits.stoppedContainers : nil
        let slice = TimeSlice(on: services.loop)
        while !slice.isOver, let id = stopped.popExpired(before: bound, limit: limit) {
            containers[id]?.enter { $0.remove() }
        }
    }

    /// The host has been asked for a container.
    func opened(_ id: ContainerID) {
        opening.remove(id)
        orphans.remove(id)
        guard opening.isEmpty, let done = whenOpened else { return }
        opening = []
        whenOpened = nil
        done()
    }

    // MARK: Recovery

    /// About so many containers are to come: the tables grow now, and not in the midst of serving.
    func expect(_ count: Int) {
        containers.reserveCapacity(count)
        reserved.reserveCapacity(count)
        opening.reserveCapacity(count)
    }

    /// Takes an id out of use, or (nil) gives it free.
    func reserve(_ id: ContainerID, _ reservation: Reservation?) {
        if reserved[id] == .recovering { recovering -= 1 }
        if reservation == .recovering { recovering += 1 }
        reserved[id] = reservation
        // It may have been large.
        if reserved.isEmpty { reserved = [:] }
        guard recovering == 0, !whenRead.isEmpty else { return }
        // In a later turn: this one is in the midst of restoring a container.
        services.loop.schedule(after: .zero) { [weak self] in
            let work = self?.whenRead ?? []
            self?.whenRead = []
            for work in work { work() }
        }
    }

    /// Runs `work` when the record of every container has been read: at once where that is so.
    func whenEveryRecordIsRead(_ work: @escaping () -> Void) {
        if recovering == 0 { work() } else { whenRead.append(work) }
    }

    /// The host is going to be asked for a container after a start of the worker.
    func noteOpening(_ id: ContainerID) { opening.insert(id) }

    /// A compute system of this worker's own has no record.
    func noteOrphan(_ id: ContainerID) { orphans.insert(id) }

    /// Runs `done` when the host has been asked for every container that is known by now.
    func whenEveryOneIsOpened(_ done: @escaping () -> Void) {
        if opening.isEmpty { done() } else { whenOpened = done }
    }

    /// The service went away, and every handle with it: each container is asked for again.
    func detachAll() { visit { $0.enter { $0.detach() } } }

    // MARK: Walking

    /// Visits containers in the order of their ids, from the first after `id`, as long as the loop can be held.
    /// - Parameter visit: returns false to end the walk before this container.
    /// - Returns: the id to go on after; nil where every container was visited.
    func walk(after id: String?, _ visit: (Container) -> Bool) -> String? {
        let slice = TimeSlice(on: services.loop)
        var (last, count, isCut) = (id, 0, false)
        order.visit(after: id) { next in
            // The clock is read now and then only; and one container is always visited, so that every walk ends.
            if count & 15 == 15, slice.isOver { isCut = true }
            guard !isCut, let container = containers[next], visit(container) else {
                isCut = true
                return false
            }
            last = next.rawValue
            count += 1
            return true
        }
        return isCut ? last ?? "" : nil
    }

    /// Visits every container, a slice in each turn of the loop, and then runs `done`.
    func visit(after id: String? = nil, _ visit: @escaping (Container) -> Void, then done: @escaping () -> Void = {}) {
        guard
            let next = walk(
                after: id,
                { container in
                    visit(container)
                    return true
                })
        else { return done() }
        services.loop.schedule(after: .zero) { [weak self] in self?.visit(after: next, visit, then: done) }
    }

    /// Visits those of `ids` that there are, a slice in each turn of the loop, and then runs `done`.
    func visit(
        _ ids: ArraySlice<ContainerID>, _ visit: @escaping (Container) -> Void, then done: @escaping () -> Void = {}
    ) {
        let slice = TimeSlice(on: services.loop)
        var rest = ids
        while !slice.isOver, let id = rest.popFirst() { container(id).map(visit) }
        guard !rest.isEmpty else { return done() }
        let left = rest
        services.loop.schedule(after: .zero) { [weak self] in self?.visit(left, visit, then: done) }
    }

    // MARK: The end

    /// Lets go of the containers, which hold what they need of the worker.
    func close() { containers = [:] }

    /// From now on no new container is taken.
    func drain() { isDraining = true }

    /// New containers are taken again.
    /// - Returns: false where the worker ends.
    func undrain() -> Bool {
        guard !isEnding else { return false }
        isDraining = false
        whenIdle = nil
        return true
    }

    /// Runs `done` when no container is busy.
    func whenIdle(_ done: @escaping () -> Void) {
        whenIdle = done
        runIfIdle()
    }

    private func runIfIdle() {
        guard busyCount == 0, recovering == 0, let done = whenIdle else { return }
        whenIdle = nil
        done()
    }

    /// Ends every container by force and runs `done` when none runs any more.
    func endAll(_ done: @escaping () -> Void) {
        isDraining = true
        isEnding = true
        visit({ $0.enter { $0.end() } }, then: { [weak self] in self?.whenIdle(done) })
    }
}

extension Failure {
    fileprivate init(_ reservation: ContainerPool.Reservation, _ id: ContainerID) {
        switch reservation {
        case .recovering:
            self.init(
                .unavailable, "the worker has just started and has not come to \(id) yet; ask again in a moment",
                retryable: true, details: ["retry_after_ms": 100])
        case .unreadable:
            self.init(
                .failedPrecondition,
                "the record of \(id) in the journal is damaged, or of another version of windlass; start that version, or "
                    + "restore the journal from a copy")
        case .ending:
            self.init(
                .unavailable, "a container \(id) without a record is being ended; send this again", retryable: true,
                details: ["retry_after_ms": 100])
        }
    }
}
