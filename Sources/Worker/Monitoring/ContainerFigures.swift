import ContainerModel

/// What is counted of all containers together. Plain integers, on the loop only.
struct ContainerFigures {
    /// How many containers are in each state.
    private(set) var states: [ContainerRecord.State: Int] = [:]
    /// Their queues.
    private(set) var queues = QueueDepths()
    /// How long commands have waited in a queue for their turn.
    private(set) var waits = Histogram(.requests)
    /// Exits of first processes, by reason: those whose code is known, and the others.
    private(set) var exits: [Exit.Reason: (known: UInt64, unknown: UInt64)] = [:]

    /// A container counts otherwise than before.
    mutating func changed(from old: ContainerStanding, to new: ContainerStanding) {
        if old.state != new.state {
            if let state = old.state { states[state, default: 0] -= 1 }
            if let state = new.state { states[state, default: 0] += 1 }
        }
        queues.change(from: Int(old.waiting), to: Int(new.waiting))
    }

    /// A command has waited so long for its turn.
    mutating func waited(_ duration: Duration) { waits.observe(duration) }

    /// A container has ended.
    mutating func ended(_ exit: Exit) {
        exits[exit.reason, default: (0, 0)].known += exit.known ? 1 : 0
        exits[exit.reason, default: (0, 0)].unknown += exit.known ? 0 : 1
    }
}
