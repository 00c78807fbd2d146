/// What one connection has subscribed to, and how much it sent for that. Pure.
///
/// libzmq keeps subscriptions in a tree of some 30 bytes for each byte of their text, and takes in all that a peer has
/// sent before it hands over the first.
struct Subscriptions {
    private var count = 0
    /// Whether there is none now.
    var isEmpty: Bool { count == 0 }
    /// Bytes of the text of its subscriptions.
    private(set) var bytes = 0
    /// What the connection had received at the last look.
    private(set) var received: UInt64 = 0
    /// Subscriptions and ends of such since the span began.
    private var changes = 0
    private var changesBegan: ContinuousClock.Instant?
    /// What had been received when the span began.
    private var base: (received: UInt64, at: ContinuousClock.Instant)?

    /// The most subscriptions of a connection.
    static let limit = 1024
    /// The longest text of one: more than any topic has.
    static let longest = 256
    /// The most bytes of the text of all subscriptions of all connections of a socket.
    static let bytesOfAll = 4 << 20
    /// The most subscriptions, and ends of such, of one connection in each span.
    static let changesInSpan = 10_000
    /// The most bytes that one connection, and all of a socket, may send in a span, counted only while they hold up events.
    static let bytesInSpan: UInt64 = 64 << 10
    static let bytesOfAllInSpan: UInt64 = 4 << 20
    static let span = Duration.seconds(10)

    /// Adds what a turn has brought.
    /// - Returns: whether that is too much.
    mutating func add(_ report: SubscriptionReport, at now: ContinuousClock.Instant) -> Bool {
        count = max(0, count + report.added - report.ended)
        bytes = max(0, bytes + report.bytes)
        if now - (changesBegan ?? now) >= Subscriptions.span || changesBegan == nil {
            (changes, changesBegan) = (0, now)
        }
        changes += report.added + report.ended
        return report.isTooLong || count > Subscriptions.limit || changes > Subscriptions.changesInSpan
    }

    /// Takes in how much the connection has received by now.
    /// - Parameter since: when the connection was accepted.
    /// - Returns: how much of that came in this span.
    mutating func take(
        received count: UInt64, since: ContinuousClock.Instant, at now: ContinuousClock.Instant
    ) -> UInt64 {
        received = count
        // Of a connection that is older than a span, the first look shows only where to count from.
        var begin = base ?? (now - since < Subscriptions.span ? (0, since) : (count, now))
        if now - begin.at >= Subscriptions.span { begin = (count, now) }
        base = begin
        return count - min(count, begin.received)
    }
}
