import ContainerDriver
import ContainerModel
import ContainerProtocol
import DequeModule
import Logging
import MessagePack

/// Restores the state of the previous worker: containers, requests under way, and systems on the host without a record.
/// On the loop only.
///
/// Records are read on the threads for driver calls, some of them at a time. ``HostList`` adopts containers that were
/// never started; the others are opened side by side. The worker serves meanwhile, and answers for the containers that
/// are restored already.
final class Recovery {
    /// A record as it was read.
    private struct Record: Sendable {
        let id: ContainerID
        /// Nil if it cannot be decoded.
        let saved: SavedContainer?
        let creation: QueuedCommand.Creation?

        init(_ id: ContainerID, _ bytes: [UInt8], _ reader: Reader) {
            self.id = id
            saved = (try? reader.value(bytes)).flatMap(SavedContainer.init)
            creation = saved.flatMap { saved in
                saved.creation.flatMap { QueuedCommand.Creation($0, of: saved.facts) }
            }
        }
    }

    private let services: HostServices
    private let requests: Requests
    private let list: HostList
    /// Containers whose record has not been read, the next one last.
    private var unread: [ContainerID]
    /// The records of containers that have not been restored, those that are being read included.
    private var records: [ContainerID: [UInt8]]
    /// Batches that have been read.
    private var read: Deque<ArraySlice<Record>> = []
    private let storedRequests: [StoredRequest]
    /// Requests that a container's record names as under way.
    private var claimed: Set<RequestKey> = []
    private let damaged: [ContainerID]
    private var hasUnreadable: Bool
    /// The containers that may have output.
    private var owners: [(id: ContainerID, createdAt: Timestamp)] = []
    private var batchesUnderWay = 0
    private var whenDone: (() -> Void)?

    /// Records that are read at a time, and how many times that side by side.
    private static let batchSize = 256
    private static let batches = 2

    init(_ services: HostServices, _ requests: Requests, _ contents: JournalContents) {
        self.services = services
        self.requests = requests
        list = HostList(services)
        unread = contents.containers.reversed().map(\.id)
        records = Dictionary(contents.containers.map { ($0.id, $0.record) }) { first, _ in first }
        storedRequests = contents.requests
        damaged = Array(contents.damaged)
        hasUnreadable = !contents.damaged.isEmpty
    }

    /// Begins; `done` runs when the host has been asked for every container.
    func start(_ done: @escaping () -> Void) {
        whenDone = done
        requests.restore(storedRequests)
        services.pool.expect(unread.count)
        for id in unread { services.pool.reserve(id, .recovering) }
        services.pool.recoverNow = { [weak self] id in self?.restoreNow(id) }
        for id in damaged { services.pool.reserve(id, .unreadable) }
        list.ask(unread + damaged)
        if unread.isEmpty { return finish() }
        for _ in 0..<Recovery.batches { readNext() }
    }

    private func readNext() {
        guard !unread.isEmpty else {
            if batchesUnderWay == 0 { finish() }
            return
        }
        batchesUnderWay += 1
        let batch = unread.suffix(Recovery.batchSize).reversed().compactMap { id in records[id].map { (id, $0) } }
        unread.removeLast(min(Recovery.batchSize, unread.count))
        services.calls.make(nil) { () throws(DriverFailure) in
            Recovery.read(batch)
        } then: { [self] result in
            // If the system gives no thread, the loop reads.
            let records = (try? result.get()) ?? Recovery.read(batch)
            read.append(records[...])
            if read.count == 1 { restoreSoon() }
        }
    }

    private static func read(_ batch: [(id: ContainerID, record: [UInt8])]) -> [Record] {
        let reader = Reader()
        return batch.map { id, record in Record(id, record, reader) }
    }

    /// Restores as many of the containers that have been read as one slice allows, and the rest in later turns of the
    /// loop.
    private func restoreRead() {
        let slice = TimeSlice(on: services.loop)
        while !slice.isOver, !read.isEmpty {
            if let record = read[0].popFirst() {
                restore(record)
            } else {
                read.removeFirst()
                batchesUnderWay -= 1
                readNext()
            }
        }
        if !read.isEmpty { restoreSoon() }
    }

    /// In the next turn, so that each turn has one slice.
    private func restoreSoon() { services.loop.schedule(after: .zero) { self.restoreRead() } }

    /// A peer asks for a container whose record has not been read yet.
    private func restoreNow(_ id: ContainerID) {
        guard let record = records[id] else { return }
        for record in Recovery.read([(id, record)]) { restore(record) }
    }

    private func restore(_ record: Record) {
        // A peer may have asked for it before its turn.
        guard records.removeValue(forKey: record.id) != nil else { return }
        guard let saved = record.saved else {
            services.logger.error(
                "the record of a container cannot be read", metadata: ["container": "\(record.id)"])
            services.pool.reserve(record.id, .unreadable)
            hasUnreadable = true
            return
        }
        let key = saved.command?.request
        if let key { claimed.insert(key) }
        owners.append((record.id, saved.facts.createdAt))
        let responder = key.map { requests.resume($0) }
        let isEnding = services.pool.isEnding
        let (isOpening, isUnstarted) = services.pool.make(record.id).enter { container in
            container.restore(saved, record.creation, responder)
            if isEnding { container.end() }
            return (container.link.isOpening, container.isUnstarted)
        }
        if isOpening { services.pool.noteOpening(record.id) }
        if isUnstarted { list.add(record.id) }
        services.pool.reserve(record.id, nil)
    }

    /// Every record has been read.
    private func finish() {
        services.pool.recoverNow = nil
        settleUnclaimed()
        // Containers that are to come have output too, so that is removed by what was found at the start. Where a
        // record cannot be read, its output stays.
        if !hasUnreadable { services.spools?.remove(besides: owners) }
        (owners, records, read) = ([], [:], [])
        list.takeUpAll()
        let orphans = OrphanSearch(services)
        list.withOrphans { orphans.settle($0) }
        if let done = whenDone { services.pool.whenEveryOneIsOpened(done) }
        whenDone = nil
    }

    /// Settles the requests under way that no container has claimed.
    private func settleUnclaimed() {
        for request in storedRequests where !request.isAnswered && !claimed.contains(request.key) {
            let isRepeatHarmless = Method(rawValue: request.method)?.traits.isRepeatHarmless ?? false
            let failure =
                isRepeatHarmless
                ? Failure(.aborted, "the worker died before this had come to its end; send it again", retryable: true)
                : Failure(
                    .aborted,
                    "the worker died while this was under way; whether it was carried out cannot be known, and it is not "
                        + "tried again")
            requests.resume(request.key).fail(failure)
        }
    }
}
