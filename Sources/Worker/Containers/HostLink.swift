import ContainerModel

/// How a container is linked to its compute system on the host. Pure.
struct HostLink {
    /// What is asked of the host while the container is opened.
    enum Purpose: Sendable, Equatable {
        /// It was known before: to a worker before this one, or before its service went away.
        case known
        /// There is no record of it: it gets one if the host has it.
        case unknown
    }

    private enum State {
        case attached
        case opening(Opening)
        /// The service went away, and the container cannot be asked for yet.
        case lost
    }

    /// The host is being asked what it has of the container: nothing else is done with it meanwhile.
    private struct Opening {
        var purpose: Purpose
        /// Exits that were reported meanwhile: it is not known yet what they are the end of.
        var exits: [(process: ProcessName, exit: Exit)] = []
        /// Whether the service went away meanwhile: the host has to be asked once more.
        var isOutdated = false
    }

    private var state = State.attached
    /// Counts the calls of `open`: what comes of an earlier one is ignored.
    private(set) var generation = 0

    private var opening: Opening? { if case .opening(let opening) = state { opening } else { nil } }

    /// Whether the host is being asked, or its answer is being applied.
    var isOpening: Bool { opening != nil }
    /// Whether the host is being asked for a container without a record.
    var isAdopting: Bool { opening?.purpose == .unknown }
    /// Whether the service went away, and the host has not been asked since.
    var isLost: Bool { if case .lost = state { true } else { false } }

    /// The host is going to be asked.
    mutating func beginOpening(_ purpose: Purpose) { state = .opening(Opening(purpose: purpose)) }

    /// One more call of `open` is made.
    /// - Returns: its generation.
    mutating func nextGeneration() -> Int {
        generation += 1
        return generation
    }

    /// The service went away.
    mutating func lose() {
        guard var opening else { return state = .lost }
        opening.isOutdated = true
        state = .opening(opening)
    }

    /// Holds an exit that was reported while the host is being asked.
    /// - Returns: false where it is not being asked, and the exit must be dealt with now.
    mutating func hold(_ process: ProcessName, _ exit: Exit) -> Bool {
        guard var opening else { return false }
        opening.exits.append((process, exit))
        state = .opening(opening)
        return true
    }

    /// The host has answered, and the answer is going to be applied.
    /// - Returns: the exits that were held.
    mutating func takeExits() -> [(process: ProcessName, exit: Exit)] {
        guard let opening else { return [] }
        state = .opening(Opening(purpose: .known, isOutdated: opening.isOutdated))
        return opening.exits
    }

    /// The host's answer has been applied.
    mutating func attach() { state = opening?.isOutdated ?? false ? .lost : .attached }
}
