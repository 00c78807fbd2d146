public import ContainerProtocol
public import MessagePack

/// Every event of one host, once and in order, over lost messages, slow readers and restarts of the worker.
///
/// It subscribes first, and then fetches missed events from the worker's log. The numbers in events and heartbeats show
/// which events were missed. Events that are no longer kept are reported as a gap. A slow reader costs a bounded
/// buffer; events that do not fit are fetched later. Only one task may iterate over it.
public final class EventFeed: AsyncSequence, Sendable {
    /// What a reader gets.
    public enum Item: Sendable {
        /// The number after which the following events begin. Always the first item.
        case begins(after: UInt64)
        case event(PublishedEvent)
        /// These events are no longer kept; the following ones come after them.
        case gap(ClosedRange<UInt64>)
        /// The worker's answer to `snapshot`, all pages in one: the present state in place of the `missed` events, of
        /// which not all are kept. Events that its records include do not follow.
        case snapshot(Value, missed: ClosedRange<UInt64>)
        /// The worker has lost its state, and its numbers begin again. Events after this number are lost; the following
        /// ones begin with the worker's first.
        case restart(after: UInt64)
    }

    /// What to do when the requested events are no longer kept.
    public enum Recovery: Sendable {
        /// Report the gap and go on with the oldest event that is kept: for readers that need every event.
        case events
        /// Take a snapshot and go on with the events after it: for readers that mirror the containers' states.
        case snapshot
    }

    private let client: WorkerClient
    private let stream: EventStream
    private let start: UInt64?
    private let recovery: Recovery
    private let onMessage: (@Sendable () -> Void)?

    /// The most messages that are held for a slow reader.
    private static let capacity = 1024

    /// Subscribes.
    /// - Parameters:
    ///   - client: a client of the same worker.
    ///   - endpoint: the worker's event endpoint.
    ///   - after: the number of the last event that the reader has; nil begins with what happens from now on.
    ///   - onMessage: called for every message, also for the heartbeat of every second.
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

    /// Ends the feed; its reader gets nil.
    public func close() { stream.close() }

    public func makeAsyncIterator() -> Iterator {
        Iterator(
            client: client, stream: stream, messages: stream.events.makeAsyncIterator(), start: start,
            recovery: recovery, onMessage: onMessage)
    }

    /// Hands out the items.
    public struct Iterator: AsyncIteratorProtocol {
        public typealias Failure = ContainerProtocol.Failure

        private let client: WorkerClient
        /// Held, because the stream ends with its last reference.
        private let stream: EventStream
        private var messages: AsyncStream<PublishedEvent>.Iterator
        private let recovery: Recovery
        private let onMessage: (@Sendable () -> Void)?
        private var sequence: EventSequence
        /// The next items, in reverse order.
        private var ready: [Item] = []
        /// Whether the log has more than was fetched.
        private var isBehind: Bool
        /// Events that a snapshot includes already.
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

        /// The next item; nil once the feed is closed.
        /// - Throws: a failure if the worker refuses access to its events, and `cancelled` where the task was cancelled.
        public mutating func next() async throws(Failure) -> Item? {
            while true {
                if let item = ready.popLast() { return item }
                if Task.isCancelled { throw WorkerClient.cancelled }
                if isBehind {
                    ready = try await fetch().reversed()
                } else {
                    guard let message = await messages.next() else {
                        if Task.isCancelled { throw WorkerClient.cancelled }
                        if let failure = stream.failure { throw failure }
                        return nil
                    }
                    onMessage?()
                    ready = try await take(message).reversed()
                }
            }
        }

        // MARK: The subscription

        private mutating func take(_ message: PublishedEvent) async throws(Failure) -> [Item] {
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

        /// Delivers the next event, unless a record of the snapshot includes it.
        private mutating func deliver(_ event: PublishedEvent) -> [Item] {
            sequence.deliver(event.body)
            return included.contains(event.body) ? [] : [.event(event)]
        }

        /// Whether the worker still has the last delivered event under the same number.
        private func isContinued() async throws(Failure) -> Bool {
            guard let last = sequence.last, last > 0 else { return true }
            let page: Value
            do throws(Failure) {
                page = try await events(after: last - 1, limit: 1)
            } catch {
                // The worker has more events than that. The gap is reported by the next fetch.
                if error.code == .dataLoss { return true }
                throw error
            }
            guard page["last_seq"]?.unsigned ?? last >= last else { return false }
            guard let event = page["events"]?.array?.first, event["seq"]?.unsigned == last,
                let epoch = event["epoch"]?.unsigned
            else { return true }
            return sequence.isLast(ofEpoch: epoch)
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

        /// Waits without limit: a worker that is away may come back, and the reader may cancel.
        private func events(after number: UInt64, limit: UInt64) async throws(Failure) -> Value {
            try await client.perform(.events, ["after": .unsigned(number), "limit": .unsigned(limit)], timeout: nil)
        }

        /// One page of what is missing.
        private mutating func fetch() async throws(Failure) -> [Item] {
            let last = sequence.last ?? 0
            let page: Value
            do throws(Failure) {
                page = try await events(after: last, limit: Iterator.pageSize)
            } catch {
                guard error.code == .dataLoss else { throw error }
                return try await recover(error, last)
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
                // The worker's last number is higher, but it has no more events.
                items.append(.gap(reached + 1...newest))
                sequence.skip(to: newest)
                reached = newest
            }
            isBehind = reached < newest
            return items
        }

        /// Events after `last` are not kept any more.
        private mutating func recover(_ failure: Failure, _ last: UInt64) async throws(Failure) -> [Item] {
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

        /// - Returns: every page; nil if the worker's numbers begin again meanwhile.
        private func takeSnapshot() async throws(Failure) -> SnapshotPages? {
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
