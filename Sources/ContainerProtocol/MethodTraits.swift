/// The properties of a method besides its parameters: how it is served, which role may call it, and how it may be
/// repeated.
///
/// The worker, the client library and the command line all use these. ``Method/traits`` is their one table.
public struct MethodTraits: Sendable, Equatable {
    /// In which order requests are served.
    public enum Lane: Sendable {
        /// Strictly one after another with the other mutating requests of the same container.
        case mutating
        /// At once, whatever the container is busy with.
        case immediate
    }

    /// What a request does.
    public enum Effect: Sendable {
        /// It asks, and changes nothing.
        case asks
        /// It follows a process: it changes nothing but what its own connection is sent.
        case follows
        case changesContainer
        case changesHost
    }

    /// What a request does.
    public let effect: Effect
    /// In which order requests are served.
    public let lane: Lane
    /// The least role that may call it.
    public let role: Role
    /// Whether it is answered however many requests wait in the worker.
    public let isAlwaysAnswered: Bool
    /// Whether the answer counts events, which must have been kept before it goes out.
    public let countsEvents: Bool
    /// Whether the answer is an exit, whenever that comes.
    public let waitsForExit: Bool
    /// Whether a request that the worker may have carried out before a crash can be made again without harm.
    ///
    /// A mutating request is noted in its container's record before it begins, so that the worker finds out what became
    /// of it. Of the others, most come to the same a second time. A second signal or the same input again does not.
    public let isRepeatHarmless: Bool

    init(
        _ effect: Effect, _ lane: Lane, _ role: Role, isAlwaysAnswered: Bool = false, countsEvents: Bool = false,
        waitsForExit: Bool = false, isRepeatHarmless: Bool = true
    ) {
        self.effect = effect
        self.lane = lane
        self.role = role
        self.isAlwaysAnswered = isAlwaysAnswered
        self.countsEvents = countsEvents
        self.waitsForExit = waitsForExit
        self.isRepeatHarmless = isRepeatHarmless
    }

    /// Whether it changes a container or the host.
    public var changes: Bool { effect == .changesContainer || effect == .changesHost }

    /// Whether it only reads, and reads nothing that must be committed before it is answered.
    public var isQuestion: Bool { effect == .asks && !countsEvents }

    /// How long a client waits by default: 30 s, or 5 min for commands in a container's queue (a creation can take
    /// minutes on a busy Windows host). Nil, without limit, for methods that wait for an exit.
    public var patience: Duration? {
        if waitsForExit { return nil }
        return lane == .mutating ? .seconds(300) : .seconds(30)
    }
}
