import OrderedCollections

/// The driver calls of one container that are under way: the one in line with its commands, those beside it, and stuck
/// ones.
struct DriverLanes {
    /// How the call in line can be taken back before it begins.
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
        /// Asks the host whether what runs still runs.
        static let check = Single(rawValue: 4)
        /// Asks again and again, because a request waits for an exit.
        static let expectation = Single(rawValue: 8)
    }

    private var lastNumber: UInt64 = 0
    /// The number of the call in line; a stuck one has left the line.
    private(set) var inLine: UInt64?
    private(set) var begin: Begin?
    /// Calls that have outlived their watchdog.
    private(set) var stuck: OrderedDictionary<UInt64, CallKind> = [:]
    /// Calls that are stuck, and have given their place under the host's limit to others.
    private var leftEarly: Set<UInt64> = []
    /// Calls that were taken back before they began, and have not come back yet.
    private var givenUp: Set<UInt64> = []
    /// Which calls beside the line are under way.
    var singles: Single = []
    /// Whether the compute system is to be taken down as soon as no other call is in its way.
    var isShutDownDue = false
    /// Calls that change a process, and calls that only ask: each kind one after another.
    var controls = CallLine()
    var queries = CallLine()

    /// The number of a call beside the line.
    mutating func next() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    /// A call begins that no other may run beside.
    mutating func nextInLine() -> UInt64 {
        let number = next()
        inLine = number
        begin = .intent
        return number
    }

    /// Call `number` in line has come closer to its beginning.
    mutating func setBegin(_ begin: Begin, of number: UInt64) {
        if inLine == number { self.begin = begin }
    }

    /// The call in line has come back, or stands in the way no longer.
    mutating func leaveLine(_ number: UInt64) {
        guard inLine == number else { return }
        inLine = nil
        begin = nil
    }

    /// Call `number` was taken back: nothing comes of it.
    mutating func giveUp(_ number: UInt64) {
        leaveLine(number)
        givenUp.insert(number)
    }

    /// Whether a call that comes back was taken back before it began.
    mutating func wasGivenUp(_ number: UInt64) -> Bool { givenUp.remove(number) != nil }

    /// A call has outlived its watchdog, or has come back after that.
    mutating func note(_ number: UInt64, _ kind: CallKind, isStuck: Bool) {
        stuck[number] = isStuck ? kind : nil
        if isStuck { leftEarly.insert(number) }
    }

    /// Whether a call that comes back still holds its place under the host's limit.
    mutating func holdsPlace(_ number: UInt64) -> Bool { leftEarly.remove(number) == nil }

    /// Whether a call of a command is under way, in line or stuck: it reports itself what came of it.
    var isCommandUnderWay: Bool {
        let kinds: [CallKind] = [.exec, .pause, .resume, .update]
        return inLine != nil || stuck.values.contains(where: kinds.contains)
    }
}
