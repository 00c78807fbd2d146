import ZeroMQ

/// Watches whether the loop of the event sockets keeps up. On the worker's loop only.
///
/// libzmq takes in everything that a subscriber has sent before it hands over the first subscription, and it reads on as
/// long as more comes: a peer that sends without end would hold the loop, and fill the memory. So what the system has
/// received for connections is looked at while that loop is busy with subscriptions, or while connections are new. Who
/// has brought too much is cut. While the loop is behind, no further subscriber comes in: it would only wait in memory.
final class EventWatch {
    private let loop: SocketLoop
    private let events: SocketLoop
    private let connections: [PeerConnections]
    private var isLooking = false
    /// Since when the loop owes an answer; nil where it has answered.
    private var askedAt: ContinuousClock.Instant?
    /// Whether the loop goes from turn to turn and finds more subscriptions in each.
    private var isBacklogged = false
    /// Until when connections are new.
    private var newUntil = ContinuousClock.now

    /// Between looks. What comes in meanwhile has to be taken in, so it is short.
    private static let interval = Duration.milliseconds(2)
    /// A loop that does not answer for so long is behind.
    private static let patience = Duration.milliseconds(10)
    /// A connection is new for so long.
    private static let newness = Duration.milliseconds(100)

    /// - Parameters:
    ///   - connections: of the event sockets.
    ///   - events: the loop of the event sockets.
    init(_ connections: [PeerConnections], of events: SocketLoop, on loop: SocketLoop) {
        self.connections = connections
        self.events = events
        self.loop = loop
        for one in connections {
            one.admission = { [weak self] in
                guard let self else { return true }
                guard !isBehind else { return false }
                newUntil = loop.now + EventWatch.newness
                begin()
                return true
            }
        }
    }

    /// Whether the loop does not keep up with what subscribers send.
    private var isBehind: Bool { isBacklogged || askedAt.map { loop.now - $0 > EventWatch.patience } ?? false }

    /// Whether the loop has not answered yet.
    var isHeld: Bool { askedAt != nil }

    /// The loop of the event sockets has something to do from now on.
    func begin() {
        guard !isLooking else { return }
        isLooking = true
        ask()
        lookLater()
    }

    /// The loop goes from turn to turn and finds more (true), or has come to the end (false).
    func report(isBacklogged: Bool) {
        self.isBacklogged = isBacklogged
        if isBacklogged { begin() }
    }

    private func ask() {
        guard askedAt == nil else { return }
        askedAt = loop.now
        let watch = LoopBound(self, to: loop)
        events.post { [loop] in loop.post { watch.value.askedAt = nil } }
    }

    private func lookLater() {
        loop.schedule(after: EventWatch.interval) { [weak self] in
            guard let self else { return }
            guard isHeld || isBacklogged || loop.now < newUntil else {
                isLooking = false
                return
            }
            for one in connections { one.cutFlooding() }
            ask()
            lookLater()
        }
    }
}
