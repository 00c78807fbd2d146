import MessagePack

/// Puts what a host publishes and what its log answers together: each event once, in order, and nothing left out unseen.
struct EventSequence {
    /// The number of the last event that was handed over, or after which to begin; nil before the first message.
    private(set) var last: UInt64?
    /// The newest epoch of what was handed over: event `last` is of this one or of an earlier one.
    private var epoch: UInt64?
    /// The epoch of event `last`, where that was handed over.
    private var lastEpoch: UInt64?
    /// An earlier epoch whose messages came late.
    private var staleEpoch: UInt64?

    init(after last: UInt64?) { self.last = last }

    /// What is to be done with a message.
    enum Action: Equatable {
        /// It is the next event.
        case deliver
        /// Events before it, or all up to it, are missing: fetch them.
        case fetch
        /// It may belong to another numbering: see whether event ``last`` is still the one that was handed over.
        case check
        /// Nothing new.
        case skip
    }

    /// What is to be done with an event, or with a `welcome` or `heartbeat`, which tell the last event's number.
    ///
    /// Numbers go on when a worker is started anew, and its epoch rises. A worker that has lost its state begins again
    /// with both; what looks like that may also be a message that was long on its way.
    /// - Parameter isChecked: whether the numbering has been seen to go on.
    mutating func action(for message: Value, isChecked: Bool = false) -> Action {
        let seq = message["seq"]?.unsigned
        let newest = seq ?? message["last_seq"]?.unsigned ?? 0
        let own = message["epoch"]?.unsigned ?? epoch
        guard let last else {
            // From now on, without what was before.
            self.last = seq.map { $0 - min($0, 1) } ?? newest
            epoch = own
            return seq == nil ? .skip : .deliver
        }
        if let own, let epoch, own < epoch {
            if isChecked { staleEpoch = own }
            // One check is enough for all events that were on their way; a new subscription is told of its standing.
            return isChecked || (seq != nil && own == staleEpoch) ? .skip : .check
        }
        if own != epoch, epoch != nil, !isChecked { return .check }
        epoch = own
        if newest < last { return seq == nil && !isChecked ? .check : .skip }
        if newest == last { return .skip }
        return seq == EventSequence.number(after: last) ? .deliver : .fetch
    }

    /// Whether an event of the log, whose number is the next, is of an epoch that has not been seen: then the numbering
    /// may be another one.
    func isOfAnotherEpoch(_ event: Value) -> Bool {
        guard let epoch, let own = event["epoch"]?.unsigned else { return false }
        return own != epoch
    }

    /// Whether event ``last`` of the log, which is of the epoch `logged`, can be the one that was handed over.
    func isLast(ofEpoch logged: UInt64) -> Bool {
        if let lastEpoch { return logged == lastEpoch }
        return epoch.map { logged <= $0 } ?? true
    }

    /// An event was handed over.
    mutating func deliver(_ event: Value) {
        last = event["seq"]?.unsigned ?? last
        lastEpoch = event["epoch"]?.unsigned
        if let lastEpoch { epoch = max(epoch ?? 0, lastEpoch) }
    }

    /// Events up to `number` are not to be had.
    mutating func skip(to number: UInt64, epoch: UInt64? = nil) {
        last = number
        lastEpoch = nil
        self.epoch = epoch ?? self.epoch
    }

    /// The host counts anew.
    mutating func restart() {
        self = EventSequence(after: 0)
    }

    static func number(after number: UInt64) -> UInt64 { number == .max ? .max : number + 1 }
}
