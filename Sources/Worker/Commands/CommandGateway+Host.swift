import ContainerDriver
import ContainerProtocol
import MessagePack
import ZeroMQ

/// The commands that are about the worker and not about one container.
extension CommandGateway {
    var version: Value {
        let driver = services.driver
        return [
            "name": "windlass", "version": .string(WindlassVersion.current), "protocol": 1,
            "host": .string(services.configuration.host),
            "epoch": .unsigned(services.events.assumeIsolated { $0.epoch }),
            "os": .string(Platform.system), "arch": .string(Platform.architecture),
            "driver": ["name": .string(driver.name), "version": .string(driver.version)],
            "capabilities": .array(driver.capabilities.map(\.rawValue).sorted().map { .string($0) }),
        ]
    }

    /// A page of records must fit in a message that a careful peer accepts.
    private var pageBytes: Int { services.configuration.limits.messageBytes / 8 }

    func list(_ query: Command.List, _ responder: Responder) {
        let bytes = pageBytes
        let (records, next) = pool.assumeIsolated { $0.list(query, bytes: bytes) }
        responder.succeed(RecordPage(records: records, next: next))
    }

    func snapshot(_ responder: Responder) {
        if let trouble = services.events.assumeIsolated({ $0.trouble }) {
            // Its last_seq would be the number of an event that is not kept.
            return responder.fail(.journalInTrouble(trouble))
        }
        let records = pool.assumeIsolated { $0.everyRecord() }
        let (last, epoch) = services.events.assumeIsolated { ($0.lastSequence, $0.epoch) }
        responder.succeed(Snapshot(records: records, lastSequence: last, epoch: epoch))
    }

    func events(_ query: Command.Events, _ responder: Responder) {
        let bytes = pageBytes
        services.events.assumeIsolated { events in
            // What happened before the question belongs to the answer.
            events.whenPublished(isQuestion: true) { [self] in
                assumeIsolated { $0.readEvents(query, bytes: bytes, responder) }
            }
        }
    }

    private func readEvents(_ query: Command.Events, bytes: Int, _ responder: Responder) {
        services.events.assumeIsolated { events in
            let last = events.lastKept
            let kinds = query.types.map { Set($0.map(\.rawValue)) }
            let query = EventQuery(after: query.after, limit: query.limit, bytes: bytes, kinds: kinds, ids: query.ids)
            events.read(query) { found in
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

    /// Live depends on nothing but this loop; ready says whether containers can be made now.
    var health: Value {
        let stuck = pool.assumeIsolated { $0.stuckContainers() }
        let draining = pool.assumeIsolated { $0.isDraining }
        let limits = services.configuration.limits
        let count = pool.assumeIsolated { $0.count }
        let (trouble, restoring, orphans) = (
            services.events.assumeIsolated { $0.trouble }, pool.assumeIsolated { $0.restoring.count },
            pool.assumeIsolated { $0.orphans }
        )
        let checks: [(name: String, ok: Bool, message: String)] = [
            ("journal", trouble == nil, trouble.map { "nothing can be kept: \($0)" } ?? "events and records are kept"),
            (
                "restore", restoring == 0,
                restoring == 0
                    ? "every container has been found again" : "\(restoring) containers are still being looked for"
            ),
            (
                "orphans", true,
                orphans.isEmpty
                    ? "the host has no container of this worker's own without a record"
                    : "\(orphans.count) containers of this worker's own have no record, such as \(orphans[0]): `restore` "
                        + "takes one up"
            ),
            (
                "driver", stuck.count < max(1, limits.driverCalls / 2),
                stuck.isEmpty
                    ? "\(services.driver.name) has no stuck call"
                    : "calls are stuck in \(stuck.count) containers, such as \(stuck.first?.rawValue ?? "")"
            ),
            (
                "draining", !draining,
                draining ? "the host drains and takes no new container" : "new containers are taken"
            ),
            ("containers", count < limits.containers, "\(count) of at most \(limits.containers) containers"),
            (
                "requests", pendingCount < limits.requests,
                "\(pendingCount) of at most \(limits.requests) requests wait; \(counters.requests) have come, "
                    + "\(counters.malformed) were malformed, \(counters.undeliverable) replies found no reader"
            ),
        ]
        return [
            "live": true, "ready": .bool(checks.allSatisfy(\.ok)),
            "checks": .array(
                checks.map { ["name": .string($0.name), "ok": .bool($0.ok), "message": .string($0.message)] }),
        ]
    }

    func drain(_ deadline: Duration?, _ stop: Bool, _ cause: Cause, _ responder: Responder) {
        let isFirst = pool.assumeIsolated { pool in
            defer { pool.drain() }
            return !pool.isDraining
        }
        if isFirst {
            var event = Event(.workerDrain)
            event.requestID = cause.requestID
            event.traceparent = cause.traceparent
            services.events.assumeIsolated { [event] in $0.record(event) }
        }
        responder.succeed([:] as Value)
        guard stop, let onStop else { return }
        // The worker stops when the last container has ended, and at the deadline at the latest.
        let loop = services.loop
        if let deadline { loop.schedule(after: deadline, onStop) }
        pool.assumeIsolated { $0.whenIdle(onStop) }
    }

    // MARK: Statistics of many

    func statistics(ofNamed ids: Set<ContainerID>, _ responder: Responder) {
        for id in ids where pool.assumeIsolated({ $0.queue(id) == nil }) { return responder.fail(.noContainer(id)) }
        let live = pool.assumeIsolated { $0.liveContainers() }
        statistics(of: live.filter(ids.contains), responder)
    }

    /// Every container is asked by itself; one that ended meanwhile, or does not answer in time, is left out.
    func statistics(of ids: [ContainerID], _ responder: Responder) {
        let gathering = StatisticsGathering(expected: ids.count) { responder.succeed(Value.map($0)) }
        services.loop.schedule(after: StatisticsGathering.patience) { gathering.finish() }
        ask(ids[...], for: responder.number, gathering)
    }

    /// Asks a few, and the others in later turns of the loop.
    private func ask(_ ids: ArraySlice<ContainerID>, for number: UInt64, _ gathering: StatisticsGathering) {
        guard !ids.isEmpty else { return }
        for id in ids.prefix(StatisticsGathering.turnSize) {
            guard let queue = pool.assumeIsolated({ $0.queue(id) }) else {
                gathering.add(id, nil)
                continue
            }
            queue.assumeIsolated { queue in
                queue.statistics(for: number) { result in gathering.add(id, try? result.get()) }
            }
        }
        let rest = ids.dropFirst(StatisticsGathering.turnSize)
        services.loop.post { [self] in assumeIsolated { $0.ask(rest, for: number, gathering) } }
    }
}

extension Failure {
    /// Nothing may begin, or be told, that has to be kept.
    static func journalInTrouble(_ trouble: String) -> Failure {
        Failure(
            .unavailable, "the worker's journal cannot be written (\(trouble)); send this again when it can",
            retryable: true, details: ["retry_after_ms": 1000])
    }

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

    fileprivate static let unreadable = Failure(
        .internal, "the journal cannot be read; the worker's log says why", retryable: true)
}

/// The statistics of many containers, as they come in. Used on the loop only.
private final class StatisticsGathering: @unchecked Sendable {
    // Sendable: made and used on the socket loop's thread only.
    private var all = Value.Map()
    private var expected: Int
    private var finished: ((Value.Map) -> Void)?

    /// How many are asked in one turn of the loop.
    static let turnSize = 100
    /// For how long containers are waited for.
    static let patience = Duration.seconds(2)

    init(expected: Int, finished: @escaping (Value.Map) -> Void) {
        self.expected = expected
        self.finished = finished
        if expected == 0 { finish() }
    }

    func add(_ id: ContainerID, _ statistics: Value?) {
        if let statistics { all[id.rawValue] = statistics }
        expected -= 1
        if expected == 0 { finish() }
    }

    func finish() {
        finished?(all)
        finished = nil
    }
}

/// The result of `list`.
struct RecordPage: WireEncodable {
    let records: [ContainerRecord]
    let next: String?

    func encode(to writer: Writer) {
        writer.map(next == nil ? 1 : 2)
        writer.string("containers")
        writer.array(records.count)
        for record in records { record.encode(to: writer) }
        guard let next else { return }
        writer.string("next")
        writer.string(next)
    }
}

/// The result of `snapshot`.
struct Snapshot: WireEncodable {
    let records: [ContainerRecord]
    let lastSequence: UInt64
    let epoch: UInt64

    func encode(to writer: Writer) {
        writer.map(3)
        writer.string("containers")
        writer.array(records.count)
        for record in records { record.encode(to: writer) }
        writer.string("last_seq")
        writer.unsigned(lastSequence)
        writer.string("epoch")
        writer.unsigned(epoch)
    }
}

/// The result of `events`.
struct EventPage: WireEncodable {
    /// Encoded bodies.
    let events: [[UInt8]]
    let lastSequence: UInt64
    let oldestSequence: UInt64

    func encode(to writer: Writer) {
        writer.map(3)
        writer.string("events")
        writer.array(events.count)
        for event in events { writer.encoded(event) }
        writer.string("last_seq")
        writer.unsigned(lastSequence)
        writer.string("oldest_seq")
        writer.unsigned(oldestSequence)
    }
}
