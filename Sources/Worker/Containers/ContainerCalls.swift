import ContainerDriver
import DequeModule
import OrderedCollections

/// A driver call, as `stuck` events and records name it.
enum CallKind: String, Sendable {
    case create, start, exec, pause, resume, update, shutdown, terminate, discard, open, check
    case signal, resize, statistics, processes

    /// Whether the host bounds how many run at a time.
    var isCreation: Bool { self == .create || self == .start }
}

/// The driver calls of one container that are under way.
struct ContainerCalls {
    private var lastNumber: UInt64 = 0
    /// The call that is in line with the container's others, by number; a stuck one does not stand in the way any more.
    private(set) var inLine: UInt64?
    /// Calls that have outlived their watchdog.
    private(set) var stuck: OrderedDictionary<UInt64, CallKind> = [:]
    /// Creations that are stuck, and have given their place to others.
    private var leftEarly: Set<UInt64> = []

    /// How the call in line can be taken back before it begins.
    enum Begin {
        /// What it is about to do is being kept.
        case intent
        case admission(UInt64)
        case call(DriverCall)
    }
    var begin: Begin?

    mutating func next() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    /// A call begins that no other may run beside.
    mutating func nextInLine() -> UInt64 {
        let number = next()
        inLine = number
        return number
    }

    /// The call in line has come back, or stands in the way no longer.
    mutating func leaveLine(_ number: UInt64) {
        guard inLine == number else { return }
        inLine = nil
        begin = nil
    }

    mutating func note(_ number: UInt64, _ kind: CallKind, isStuck: Bool) {
        stuck[number] = isStuck ? kind : nil
        if isStuck, kind.isCreation { leftEarly.insert(number) }
    }

    /// Whether a creation that comes back still holds its place.
    mutating func holdsPlace(_ number: UInt64) -> Bool { leftEarly.remove(number) == nil }
}

/// Calls of one kind that are made one after another, so that they keep their order and cannot take all threads.
struct CallLine: Sendable {
    /// One that waits: the request it answers, and how it is made.
    struct Entry: Sendable {
        var number: UInt64
        var start: @Sendable () -> Void
    }

    /// The most that wait.
    static let limit = 64

    private var waiting = Deque<Entry>()
    private var isBusy = false

    /// Makes the call now, or when its turn comes.
    /// - Returns: false where too many wait.
    mutating func enter(_ entry: Entry) -> Bool {
        guard isBusy else {
            isBusy = true
            entry.start()
            return true
        }
        guard waiting.count < CallLine.limit else { return false }
        waiting.append(entry)
        return true
    }

    /// A call has come back.
    mutating func advance() {
        if let next = waiting.popFirst() { next.start() } else { isBusy = false }
    }

    /// Takes out what waits for the answer to request `number`.
    mutating func remove(_ number: UInt64) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return false }
        waiting.remove(at: index)
        return true
    }
}
