import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack
import ZeroMQ

/// The commands that are about the worker and not about one container. On the loop only.
final class HostCommands {
    private let services: HostServices
    private let writer = Writer()
    /// How many requests wait, and what has gone through the command socket.
    private let traffic: () -> (waiting: Int, counters: CommandSocket.Counters)
    /// Stops the worker.
    private let stopWorker: @Sendable () -> Void
    /// When drains stop it at the latest.
    private var stopDeadlines: [SocketLoop.Deadline] = []
    /// Who may come in. It outlives these commands.
    weak var access: AccessControl?

    init(
        _ services: HostServices, traffic: @escaping () -> (waiting: Int, counters: CommandSocket.Counters),
        stopWorker: @escaping @Sendable () -> Void
    ) {
        self.services = services
        self.traffic = traffic
        self.stopWorker = stopWorker
    }

    var version: Value {
        let driver = services.driver
        var version: Value.Map = [
            "name": "windlass", "version": .string(WindlassVersion.current), "protocol": 1,
            "host": .string(services.configuration.host), "epoch": .unsigned(services.outbox.epoch),
            "os": .string(Platform.system), "arch": .string(Platform.architecture),
            "driver": ["name": .string(driver.name), "version": .string(driver.version)],
            "capabilities": .array(driver.capabilities.map(\.rawValue).sorted().map { .string($0) }),
            "profiles": .array(services.configuration.profiles.keys.sorted().map { .string($0) }),
        ]
        if let keys = access?.serverKeys, !keys.isEmpty { version["server_keys"] = .array(keys) }
        return .map(version)
    }

    // MARK: Records

    /// A page must fit in a message that a careful peer accepts.
    private var pageBytes: Int { services.configuration.limits.messageBytes / 8 }

    // Waits until every record is read: a container that is missing from a page would be taken for gone.

    func list(_ query: Command.List, _ responder: Responder) {
        services.pool.whenEveryRecordIsRead { [self] in
            responder.succeed(
                page(after: query.after, limit: query.limit) { record in
                    (query.states?.contains(record.state) ?? true)
                        && query.labels.allSatisfy { record.labels[$0.key] == $0.value }
                })
        }
    }

    func snapshot(_ query: Command.Snapshot, _ responder: Responder) {
        services.pool.whenEveryRecordIsRead { [self] in
            if let trouble = services.outbox.trouble {
                // Its last_seq would be the number of an event that is not kept.
                return responder.fail(.journalInTrouble(trouble))
            }
            var page = page(after: query.after, limit: query.limit) { _ in true }
            page.position = (services.outbox.lastNumbered, services.outbox.epoch)
            responder.succeed(page)
        }
    }

    /// A page ends where it is full, and where it has held the loop for long enough: it may be empty and not the last.
    private func page(after id: String?, limit: Int, where isWanted: (ContainerRecord) -> Bool) -> RecordPage {
        writer.clear()
        var count = 0
        let next = services.pool.walk(after: id) { container in
            guard count < limit, writer.count < pageBytes else { return false }
            let record = container.enter { $0.record }
            if isWanted(record) {
                record.encode(to: writer)
                count += 1
            }
            return true
        }
        return RecordPage(count: count, records: writer.bytes, next: next)
    }

    // MARK: Events

    func events(_ query: Command.Events, _ responder: Responder) {
        // What happened before the question belongs to the answer.
        services.outbox.afterCommit(isQuestion: true) { [self] in
            let last = services.outbox.lastKept
            let wanted = EventQuery(
                after: query.after, limit: query.limit, bytes: pageBytes,
                kinds: query.types.map { Set($0.map(\.rawValue)) }, ids: query.ids)
            services.outbox.read(wanted) { found in
                guard let found else { return responder.fail(.unreadable) }
                // As it was when the page was read: what is removed at the same time may not leave a gap unseen.
                guard last == 0 || query.after >= found.oldest || found.oldest - query.after == 1 else {
                    return responder.fail(.tooOld(query.after, oldest: found.oldest))
                }
                if let damaged = found.damaged, found.bodies.isEmpty { return responder.fail(.damagedEvent(damaged)) }
                responder.succeed(EventPage(events: found.bodies, lastSequence: last, oldestSequence: found.oldest))
            }
        }
    }

    // MARK: Health

    /// `live` means that this loop runs and the journal does not hang; `ready` means that containers can be created now.
    var health: Value {
        let report = healthReport
        return [
            "live": .bool(report.live.isOK), "ready": .bool(report.isReady()),
            "checks": .array(
                report.checks.map { ["name": .string($0.name), "ok": .bool($0.isOK), "message": .string($0.message)] }),
        ]
    }

    /// The one source of `health` and of the pages that say the same.
    var healthReport: HealthReport {
        HealthReport(
            live: HealthCheck.loop(services.outbox.commitDuration),
            checks: HealthCheck.all(services, traffic(), access?.health))
    }

    func drain(_ deadline: Duration?, _ stop: Bool, _ cause: Cause, _ responder: Responder) {
        if !services.pool.isDraining {
            services.pool.drain()
            var event = Event(.workerDrain, at: services.loop.timestamp)
            event.requestID = cause.requestID
            event.traceparent = cause.traceparent
            services.outbox.record(event)
        }
        responder.succeed([:] as Value)
        guard stop else { return }
        // The worker stops when the last container has ended, and at the deadline at the latest.
        if let deadline { stopDeadlines.append(services.loop.schedule(after: deadline, stopWorker)) }
        services.pool.whenIdle(stopWorker)
    }

    /// Takes back every `drain`, and the stop that was to follow it.
    func undrain(_ responder: Responder) {
        guard services.pool.undrain() else {
            return responder.fail(
                Failure(.failedPrecondition, "the worker is stopping, which cannot be taken back; start it again"))
        }
        for deadline in stopDeadlines { services.loop.cancel(deadline) }
        stopDeadlines = []
        responder.succeed([:] as Value)
    }

    // MARK: Keys

    /// Who may come in from other hosts.
    func listKeys(_ responder: Responder) {
        guard let access, access.isOpen else { return responder.fail(.closedDoor) }
        responder.succeed(access.list)
    }

    /// Reads the files of keys again.
    func reloadKeys(_ responder: Responder) {
        guard let access, access.isOpen else { return responder.fail(.closedDoor) }
        access.reload { reloaded in
            guard let reloaded, let list = self.access?.list else { return responder.fail(.closedDoor) }
            let names = { (names: [String]) in Value.array(names.sorted().map { .string($0) }) }
            responder.succeed(
                [
                    "added": names(reloaded.changes.added), "removed": names(reloaded.changes.removed),
                    "changed": names(reloaded.changes.changed), "broken": list["broken"] ?? [:],
                    "cut": .int(reloaded.cut),
                ] as Value)
        }
    }

    // MARK: Statistics of many

    /// Every container is asked by itself, a slice of them in each turn of the loop; one that has ended, or does not
    /// answer in time, is left out.
    /// - Parameter ids: whose statistics; nil for those of all.
    func statistics(of ids: Set<ContainerID>?, _ responder: Responder) {
        for id in ids ?? [] where services.pool.container(id) == nil {
            return responder.fail(services.pool.absence(of: id))
        }
        let gathering = StatisticsGathering { responder.succeed($0) }
        services.loop.schedule(after: StatisticsGathering.patience) { gathering.finish() }
        let ask = { (container: Container) in
            guard container.enter({ $0.state.isLive }) else { return }
            gathering.ask()
            let sink = LoopBound(gathering, to: self.services.loop)
            container.enter { container in
                container.statistics(for: responder.number) { [id = container.id] result in
                    sink.value.add(id, try? result.get())
                }
            }
        }
        if let ids {
            for id in ids { services.pool.container(id).map(ask) }
            gathering.askedAll()
        } else {
            services.pool.visit(ask, then: { gathering.askedAll() })
        }
    }
}

extension Failure {
    fileprivate static func tooOld(_ sequence: UInt64, oldest: UInt64) -> Failure {
        Failure(
            .dataLoss,
            "events after \(sequence) are not kept any more; the oldest is \(oldest): take a `snapshot`, and go on from "
                + "its last_seq",
            details: ["oldest_seq": .unsigned(oldest)])
    }

    fileprivate static func damagedEvent(_ sequence: UInt64) -> Failure {
        Failure(
            .dataLoss,
            "event \(sequence) is damaged in the journal; take a `snapshot` and go on from its last_seq, or go on after "
                + "\(sequence)")
    }

    /// The worker has no key, so that no other host can come in.
    fileprivate static let closedDoor = Failure(
        .failedPrecondition, "this worker has no server_key: only peers of its own host can reach it, and need no keys")

    fileprivate static let unreadable = Failure(
        .internal, "the journal cannot be read; the worker's log has the reason", retryable: true)
}
