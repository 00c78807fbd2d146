import OrderedCollections

/// The driver calls of one container that are under way: the one in line with its commands, those beside the line, and
/// stuck ones.
struct DriverLanes {
    /// How the call in line can be cancelled before it begins.
    enum Begin {
        /// The journal does not have its intent yet.
        case intent
        /// It waits for its place under the host's limit.
        case admission(UInt64)
        /// It has a thread, or waits for one.
        case call(DriverCall)
    }

    /// Calls beside the line that are made one at a time.
    struct Single: OptionSet {
        let rawValue: UInt8
        /// Ends the compute system by force.
        static let termination = Single(rawValue: 1)
        /// Asks the first process to end.
        static let gracefulSignal = Single(rawValue: 2)
        /// Asks the host whether the container's processes still run.
        static let check = Single(rawValue: 4)
        /// Asks repeatedly, because a request waits for an exit.
        static let expectation = Single(rawValue: 8)
    }

    private var lastNumber: UInt64 = 0
    /// The number of the call in line; a stuck one has left the line.
    private(set) var inLine: UInt64?
    private(set) var begin: Begin?
    /// Calls that have outlived their watchdog.
    private(set) var stuck: OrderedDictionary<UInt64, CallKind> = [:]
    /// Stuck calls, which no longer count against the host's limit.
    private var leftEarly: Set<UInt64> = []
    /// Calls that were cancelled before they began, and have not returned yet.
    private var givenUp: Set<UInt64> = []
    /// Which calls beside the line are under way.
    var singles: Single = []
    /// Whether the compute system must be shut down as soon as no other call is under way.
    var isShutDownDue = false
    /// Calls that change a process, and calls that only read: each kind runs one call after another.
    var controls = CallLine()
    var queries = CallLine()

    /// The number of a call beside the line.
    mutating func next() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    /// Registers a call that no other call in line may run beside.
    mutating func nextInLine() -> UInt64 {
        let number = next()
        inLine = number
        begin = .intent
        return number
    }

    /// Records the next step of call `number` towards its beginning.
    mutating func setBegin(_ begin: Begin, of number: UInt64) {
        if inLine == number { self.begin = begin }
    }

    /// Records that the call in line has returned, or no longer blocks the line.
    mutating func leaveLine(_ number: UInt64) {
        guard inLine == number else { return }
        inLine = nil
        begin = nil
    }

    /// Records that call `number` was cancelled; its result is ignored.
    mutating func giveUp(_ number: UInt64) {
        leaveLine(number)
        givenUp.insert(number)
    }

    /// Whether a call that returns was cancelled before it began.
    mutating func wasGivenUp(_ number: UInt64) -> Bool { givenUp.remove(number) != nil }

    /// Records that a call has outlived its watchdog, or has returned after that.
    mutating func note(_ number: UInt64, _ kind: CallKind, isStuck: Bool) {
        stuck[number] = isStuck ? kind : nil
        if isStuck { leftEarly.insert(number) }
    }

    /// Whether a call that returns still counts against the host's limit.
    mutating func holdsPlace(_ number: UInt64) -> Bool { leftEarly.remove(number) == nil }

    /// Whether a call of a command is under way, in line or stuck. Such a call reports its own result.
    var isCommandUnderWay: Bool {
        let kinds: [CallKind] = [.exec, .pause, .resume, .update]
        return inLine != nil || stuck.values.contains(where: kinds.contains)
    }
}
