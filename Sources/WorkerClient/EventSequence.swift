import MessagePack

/// Merges published events with those from the worker's log: each event once, in order, and no gap unnoticed.
struct EventSequence {
    /// The number of the last event that was delivered, or after which to begin; nil before the first message.
    private(set) var last: UInt64?
    /// The newest epoch of the delivered events: event `last` is of this one or of an earlier one.
    private var epoch: UInt64?
    /// The epoch of event `last`, if that was delivered.
    private var lastEpoch: UInt64?
    /// An earlier epoch whose messages came late.
    private var staleEpoch: UInt64?

    init(after last: UInt64?) { self.last = last }

    /// What to do with a message.
    enum Action: Equatable {
        /// It is the next event.
        case deliver
        /// Events before it, or all up to it, are missing: fetch them.
        case fetch
        /// It may belong to another numbering: check whether event ``last`` is still the one that was delivered.
        case check
        /// Nothing new.
        case skip
    }

    /// What to do with an event, or with a `welcome` or `heartbeat`, which carry the last event's number.
    ///
    /// When a worker is restarted, numbers go on and its epoch rises. A worker that has lost its state begins again
    /// with both. A message that looks like that may also be an old one that arrives late.
    /// - Parameter isChecked: whether a check has confirmed that the numbering goes on.
    mutating func action(for message: Value, isChecked: Bool = false) -> Action {
        let seq = message["seq"]?.unsigned
        let newest = seq ?? message["last_seq"]?.unsigned ?? 0
        let own = message["epoch"]?.unsigned ?? epoch
        guard let last else {
            // Begins with this message, without earlier events.
            self.last = seq.map { $0 - min($0, 1) } ?? newest
            epoch = own
            return seq == nil ? .skip : .deliver
        }
        if let own, let epoch, own < epoch {
            if isChecked { staleEpoch = own }
            // One check covers all events of that epoch that arrive late. A new subscription begins with a `welcome`,
            // which is checked again.
            return isChecked || (seq != nil && own == staleEpoch) ? .skip : .check
        }
        if own != epoch, epoch != nil, !isChecked { return .check }
        epoch = own
        if newest < last { return seq == nil && !isChecked ? .check : .skip }
        if newest == last { return .skip }
        return seq == EventSequence.number(after: last) ? .deliver : .fetch
    }

    /// Whether the next event of the log has an epoch that has not been seen, which may mean another numbering.
    func isOfAnotherEpoch(_ event: Value) -> Bool {
        guard let epoch, let own = event["epoch"]?.unsigned else { return false }
        return own != epoch
    }

    /// Whether event ``last`` of the log, which has the epoch `logged`, can be the one that was delivered.
    func isLast(ofEpoch logged: UInt64) -> Bool {
        if let lastEpoch { return logged == lastEpoch }
        return epoch.map { logged <= $0 } ?? true
    }

    /// Records that an event was delivered.
    mutating func deliver(_ event: Value) {
        last = event["seq"]?.unsigned ?? last
        lastEpoch = event["epoch"]?.unsigned
        if let lastEpoch { epoch = max(epoch ?? 0, lastEpoch) }
    }

    /// Skips the events up to `number`, which are no longer kept.
    mutating func skip(to number: UInt64, epoch: UInt64? = nil) {
        last = number
        lastEpoch = nil
        self.epoch = epoch ?? self.epoch
    }

    /// The host's numbers begin again.
    mutating func restart() {
        self = EventSequence(after: 0)
    }

    static func number(after number: UInt64) -> UInt64 { number == .max ? .max : number + 1 }
}
