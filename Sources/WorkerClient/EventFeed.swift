public import ContainerProtocol
public import MessagePack

/// Every event of one host, once and in order, over lost messages, slow readers and restarts of the worker.
///
/// It subscribes first and then fetches from the worker's log whatever the subscription did not bring, which it knows by
/// the numbers of the events and by those that heartbeats tell. What nobody has any more is told, never left out in
/// silence. A reader that is slow costs a bounded buffer; what does not fit is fetched later. One task iterates over it.
public final class EventFeed: AsyncSequence, Sendable {
    /// What a reader gets.
    public enum Item: Sendable {
        /// The subscription stands, or the log is being read: what follows comes after this number. Always the first.
        case begins(after: UInt64)
        /// An event.
        case event(PublishedEvent)
        /// These events are kept nowhere any more; what follows is what came after them.
        case gap(ClosedRange<UInt64>)
        /// The worker's answer to `snapshot`, all pages of it in one: what is of now, in place of the events that were
        /// `missed`, of which not all are kept. What follows is in none of its records.
        case snapshot(Value, missed: ClosedRange<UInt64>)
        /// The worker has lost its state and counts anew: nothing is known of what it did after the event of this number,
        /// and what follows begins at its first event.
        case restart(after: UInt64)
    }

    /// What is done where events are asked for that are not kept any more.
    public enum Recovery: Sendable {
        /// The gap is told, and the oldest event that there is follows: for who wants events.
        case events
        /// A snapshot is taken, and what comes after it follows: for who mirrors the containers' states.
        case snapshot
    }

    private let client: WorkerClient
    private let stream: EventStream
    private let start: UInt64?
    private let recovery: Recovery
    private let onMessage: (@Sendable () -> Void)?

    /// Messages that are held for a reader that is behind.
    private static let capacity = 1024

    /// Subscribes.
    /// - Parameters:
    ///   - client: speaks to the same worker.
    ///   - endpoint: the worker's event endpoint.
    ///   - after: the number of the last event that the reader has; nil begins with what happens from now on.
    ///   - onMessage: called for whatever comes, a heartbeat every second among it.
    public init(
        _ client: WorkerClient, _ endpoint: String, after: UInt64? = nil, recovery: Recovery = .events,
        onMessage: (@Sendable () -> Void)? = nil
    ) async throws(ContainerProtocol.Failure) {
        self.client = client
        self.start = after
        self.recovery = recovery
        self.onMessage = onMessage
        stream = try await EventStream([endpoint], capacity: EventFeed.capacity, credentials: client.credentials)
    }

    /// Ends it; a reader gets nil.
    public func close() { stream.close() }

    public func makeAsyncIterator() -> Iterator {
        Iterator(
            client: client, stream: stream, messages: stream.events.makeAsyncIterator(), start: start,
            recovery: recovery, onMessage: onMessage)
    }

    /// Hands out the items.
    public struct Iterator: AsyncIteratorProtocol {
        private let client: WorkerClient
        /// Held, since it ends with its last holder.
        private let stream: EventStream
        private var messages: AsyncStream<PublishedEvent>.Iterator
        private let recovery: Recovery
        private let onMessage: (@Sendable () -> Void)?
        private var sequence: EventSequence
        /// Items that are next, the first of them last.
        private var ready: [Item] = []
        /// Whether the log has more than was fetched.
        private var isBehind: Bool
        /// Events that a snapshot has told already.
        private var included = IncludedEvents()

        fileprivate init(
            client: WorkerClient, stream: EventStream, messages: AsyncStream<PublishedEvent>.Iterator, start: UInt64?,
            recovery: Recovery, onMessage: (@Sendable () -> Void)?
        ) {
            self.client = client
            self.stream = stream
            self.messages = messages
            self.recovery = recovery
            self.onMessage = onMessage
            sequence = EventSequence(after: start)
            isBehind = start != nil
            if let start { ready = [.begins(after: start)] }
        }

        /// The next item; nil where the feed was closed.
        /// - Throws: `Failure` where the worker refuses to tell its events, and `CancellationError`.
        public mutating func next() async throws -> Item? {
            while true {
                if let item = ready.popLast() { return item }
                try Task.checkCancellation()
                if isBehind {
                    ready = try await fetch().reversed()
                } else {
                    guard let message = await messages.next() else {
                        try Task.checkCancellation()
                        if let failure = stream.failure { throw failure }
                        return nil
                    }
                    onMessage?()
                    ready = try await take(message).reversed()
                }
            }
        }

        // MARK: The subscription

        private mutating func take(_ message: PublishedEvent) async throws -> [Item] {
            let isFirst = sequence.last == nil
            var action = sequence.action(for: message.body)
            if action == .check {
                guard try await isContinued() else { return restart() }
                action = sequence.action(for: message.body, isChecked: true)
            }
            let beginning: [Item] = isFirst ? [.begins(after: sequence.last ?? 0)] : []
            switch action {
            case .deliver:
                return beginning + deliver(message)
            case .fetch: isBehind = true
            case .skip, .check: break
            }
            return beginning
        }

        /// Hands over the next event, unless a record of the snapshot includes it.
        private mutating func deliver(_ event: PublishedEvent) -> [Item] {
            sequence.deliver(event.body)
            return included.contains(event.body) ? [] : [.event(event)]
        }

        /// Whether the worker still has the event that was handed over last under the same number.
        private func isContinued() async throws -> Bool {
            guard let last = sequence.last, last > 0 else { return true }
            do {
                let page = try await events(after: last - 1, limit: 1)
                guard page["last_seq"]?.unsigned ?? last >= last else { return false }
                guard let event = page["events"]?.array?.first, event["seq"]?.unsigned == last,
                    let epoch = event["epoch"]?.unsigned
                else { return true }
                return sequence.isLast(ofEpoch: epoch)
            } catch let failure as Failure where failure.code == .dataLoss {
                // It has that many and more. What is missing is told when it is fetched.
                return true
            }
        }

        private mutating func restart() -> [Item] {
            let last = sequence.last ?? 0
            sequence.restart()
            included = IncludedEvents()
            isBehind = true
            return [.restart(after: last)]
        }

        // MARK: The log

        /// The most events of one page.
        private static let pageSize: UInt64 = 1000

        /// For as long as it takes: a worker that is away comes back, or the reader gives up.
        private func events(after number: UInt64, limit: UInt64) async throws -> Value {
            try await client.perform(.events, ["after": .unsigned(number), "limit": .unsigned(limit)], timeout: nil)
        }

        /// One page of what is missing.
        private mutating func fetch() async throws -> [Item] {
            let last = sequence.last ?? 0
            let page: Value
            do {
                page = try await events(after: last, limit: Iterator.pageSize)
            } catch let failure as Failure where failure.code == .dataLoss {
                return try await recover(failure, last)
            }
            let newest = page["last_seq"]?.unsigned ?? last
            let events = page["events"]?.array ?? []
            guard newest >= last else { return restart() }
            if let first = events.first, sequence.isOfAnotherEpoch(first), try await !isContinued() {
                return restart()
            }
            var items: [Item] = []
            var reached = last
            for event in events {
                guard let seq = event["seq"]?.unsigned, seq > reached else { continue }
                let next = EventSequence.number(after: reached)
                if seq > next { items.append(.gap(next...seq - 1)) }
                items += deliver(PublishedEvent(logged: event))
                reached = seq
            }
            if events.isEmpty, newest > reached {
                // It says that there are more, and has none.
                items.append(.gap(reached + 1...newest))
                sequence.skip(to: newest)
                reached = newest
            }
            isBehind = reached < newest
            return items
        }

        /// Events after `last` are not kept any more.
        private mutating func recover(_ failure: Failure, _ last: UInt64) async throws -> [Item] {
            let next = EventSequence.number(after: last)
            switch recovery {
            case .events:
                guard let oldest = failure.details["oldest_seq"]?.unsigned, oldest > next else { throw failure }
                sequence.skip(to: oldest - 1)
                return [.gap(next...oldest - 1)]
            case .snapshot:
                guard let pages = try await takeSnapshot(), let newest = pages.last, newest >= next else {
                    return restart()
                }
                sequence.skip(to: newest, epoch: pages.epoch)
                included = pages.included
                isBehind = !included.isEmpty
                return [.snapshot(pages.value, missed: next...newest)]
            }
        }

        /// - Returns: every page; nil where the worker counts its events anew meanwhile.
        private func takeSnapshot() async throws -> SnapshotPages? {
            var pages = SnapshotPages()
            var parameters: Value.Map = [:]
            repeat {
                guard pages.add(try await client.perform(.snapshot, parameters, timeout: nil)) else { return nil }
                parameters["after"] = pages.next.map { .string($0) }
            } while pages.next != nil
            return pages
        }
    }
}
