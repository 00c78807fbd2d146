import ContainerProtocol
import MessagePack
import WorkerClient

/// Events that have happened, from the worker's log.
struct EventHistory: Sendable {
    let session: Session

    /// Hands over the events after `last`, and moves `last` to the newest; of events that are not kept any more it is
    /// said how many they are.
    func replay(after last: inout UInt64, _ body: (Value) throws -> Void) async throws {
        while true {
            let page: Value
            do {
                page = try await session.call(.events, ["after": .unsigned(last)])
            } catch let failure as Failure where failure.code == .dataLoss {
                guard let oldest = failure.details["oldest_seq"]?.unsigned, oldest > last + 1 else { throw failure }
                session.console.note("events \(last + 1) to \(oldest - 1) are not kept any more")
                last = oldest - 1
                continue
            }
            let events = page["events"]?.array ?? []
            guard !events.isEmpty else { return }
            for event in events {
                try body(event)
                last = max(last, event["seq"]?.unsigned ?? last)
            }
        }
    }
}

/// Puts published events and the log's together into a sequence without a gap and without a repetition.
struct EventSequence {
    /// The number of the last event that was handed over; nil before the first.
    private(set) var last: UInt64?
    private var epoch: UInt64?

    init(last: UInt64?) { self.last = last }

    /// What is to be done with a message of the stream.
    enum Action: Equatable {
        /// It is the next event.
        case show
        /// Events before it, or all up to it, are missing: fetch them.
        case fetch
        /// Nothing new.
        case skip
    }

    /// What is to be done; does not move the sequence on.
    mutating func action(for event: Value) -> Action {
        let newEpoch = event["epoch"]?.unsigned
        let newest = event["seq"]?.unsigned ?? event["last_seq"]?.unsigned ?? 0
        if let newEpoch, let epoch, newEpoch != epoch, let last, newest < last {
            // The worker was started anew and has forgotten its numbers.
            self.last = 0
        }
        epoch = newEpoch ?? epoch
        let isEvent = event["seq"] != nil
        guard let last else {
            // From now on, and no history.
            self.last = isEvent ? newest - min(newest, 1) : newest
            return isEvent ? .show : .skip
        }
        if newest <= last { return .skip }
        return isEvent && newest == last + 1 ? .show : .fetch
    }

    /// Takes one message of the stream.
    mutating func take(
        _ event: PublishedEvent, _ history: EventHistory, _ body: (Value) throws -> Void
    ) async throws {
        switch action(for: event.body) {
        case .skip: break
        case .show:
            last = event.seq
            try body(event.body)
        case .fetch:
            var position = last ?? 0
            try await history.replay(after: &position, body)
            last = position
        }
    }
}
