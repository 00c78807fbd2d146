import MessagePack
import WorkerClient

/// Puts published events and the log's together into a sequence without a gap and without a repetition.
struct EventSequence {
    /// The number of the last event that was handed over; nil before the first.
    private(set) var last: UInt64?
    private var epoch: UInt64?
    private var hasBegun = false

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

    /// What is to be done with an event, or with a `welcome` or `heartbeat`, which tell the last event's number.
    mutating func action(for event: Value) -> Action {
        let seq = event["seq"]?.unsigned
        let newest = seq ?? event["last_seq"]?.unsigned ?? 0
        let isNewEpoch = epoch != nil && event["epoch"]?.unsigned != epoch
        epoch = event["epoch"]?.unsigned ?? epoch
        defer { hasBegun = true }
        guard let last else {
            // From now on, without what was before.
            self.last = seq.map { $0 - min($0, 1) } ?? newest
            return seq == nil ? .skip : .show
        }
        if newest < last, isNewEpoch || seq == nil {
            // The worker has fewer events than were seen: it was started anew and counts anew. Where nothing was seen
            // yet, the user asked for events that there are not.
            self.last = hasBegun ? 0 : newest
            return hasBegun && newest > 0 ? .fetch : .skip
        }
        if newest <= last { return .skip }
        return seq == last + 1 ? .show : .fetch
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
