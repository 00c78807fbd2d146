import ZeroMQ

/// Watches whether the loop of the event sockets goes on. On the worker's loop only.
///
/// libzmq takes in everything that a subscriber has sent before it hands over the first subscription, and it reads on as
/// long as more comes: a peer that sends without end would hold the loop, and fill the memory. While that loop is held,
/// the connections that have brought the most are found by what the system has received for them, and are cut.
final class EventWatch {
    private let loop: SocketLoop
    private let events: SocketLoop
    private let connections: [PeerConnections]
    private var isLooking = false
    /// Whether the loop has not answered yet.
    private(set) var isHeld = false

    /// Between looks. What comes in meanwhile has to be taken in, so it is short.
    private static let interval = Duration.milliseconds(5)

    /// - Parameters:
    ///   - connections: of the event sockets.
    ///   - events: the loop of the event sockets.
    init(_ connections: [PeerConnections], of events: SocketLoop, on loop: SocketLoop) {
        self.connections = connections
        self.events = events
        self.loop = loop
    }

    /// The loop of the event sockets has something to do from now on.
    func begin() {
        guard !isLooking else { return }
        (isLooking, isHeld) = (true, true)
        let watch = LoopBound(self, to: loop)
        events.post { [loop] in loop.post { watch.value.isHeld = false } }
        lookLater()
    }

    private func lookLater() {
        loop.schedule(after: EventWatch.interval) { [weak self] in
            guard let self else { return }
            guard isHeld else {
                isLooking = false
                return
            }
            for one in connections { one.cutFlooding() }
            lookLater()
        }
    }
}
