import ContainerModel
import ContainerProtocol
import Logging
import Synchronization
import ZeroMQ

/// Publishes what the journal has, by way of a loop of its own. On the worker's loop only.
///
/// libzmq takes subscriptions in on the thread that uses the socket, as many as peers send. On that other loop they hold
/// up no request.
final class EventPublisher: EventSink {
    /// The connections of the event sockets.
    let connections: [PeerConnections]
    private let access: Access
    private let endpoints: [Endpoint]
    private let events: SocketLoop
    private let sockets: [(trust: TrustClass, socket: LoopBound<EventSocket>)]
    private let outlet: LoopBound<EventOutlet>
    private let watch: EventWatch
    private let loop: SocketLoop
    private let logger: Logger
    private let backlog = Backlog()
    private var counts: [Event.Kind: UInt64] = [:]
    private var missed: UInt64 = 0
    /// What is wrong with the files of endpoints, as the last look has found it.
    private var socketTrouble: String?

    /// How many events wait for the other loop.
    private final class Backlog: Sendable {
        let count = Atomic(0)
    }

    /// The most that wait. Collectors fetch what was not published, as after any gap.
    private static let longestBacklog = 100_000
    /// Between posts that announce a look at the sockets.
    private static let announcementInterval = Duration.milliseconds(5)

    /// Makes the event sockets: one for each class of trust that has an endpoint.
    /// - Parameter journal: gives the epoch and the number of the newest event at this start.
    init(
        configuration: WorkerConfiguration, access: Access, journal: any Journal, on loop: SocketLoop, logger: Logger
    ) throws {
        self.access = access
        self.loop = loop
        self.logger = logger
        let endpoints = configuration.eventEndpoints.map { Endpoint($0) }
        let events = try SocketLoop(context: loop.context, name: "events")
        (self.endpoints, self.events) = (endpoints, events)
        do {
            let made = try endpoints.byTrust.map { trust, own in
                try events.perform {
                    let socket = try EventSocket(configuration: configuration, own, on: events, logger: logger)
                    let connections = try socket.connections(
                        trust, own.domains(.events), limit: configuration.access.connections, of: loop, logger: logger)
                    return (trust, LoopBound(socket, to: events), HandedOver(connections))
                }
            }
            sockets = made.map { ($0.0, $0.1) }
            connections = made.map { $0.2.value }
            let (epoch, last, all) = (journal.epoch, journal.lastSequence, made.map { $0.1 })
            outlet = try events.perform {
                LoopBound(
                    EventOutlet(
                        host: configuration.host, epoch: epoch, lastSequence: last, all.map(\.value), on: events,
                        logger: logger), to: events)
            }
        } catch {
            events.stop()
            throw error
        }
        watch = EventWatch(connections, of: events, on: loop)
    }

    /// Serves at every endpoint.
    /// - Returns: where they serve, in the order of the settings.
    func serve(_ serverKey: CurveKeyPair?, _ authenticator: Authenticator) throws -> [String] {
        authenticator.add(connections)
        return endpoints.inOrder(
            try sockets.map { trust, socket in
                (
                    trust,
                    try events.perform {
                        try socket.value.served.attach(serverKey)
                        return socket.value.served.addresses
                    }
                )
            })
    }

    /// Has the files of endpoints put back that are gone.
    /// - Returns: what could not be put right by the call before; nil where nothing was wrong.
    func mendSockets() -> String? {
        let me = LoopBound(self, to: loop)
        events.post { [sockets, loop] in
            let trouble = sockets.lazy.compactMap { $0.socket.value.served.mend() }.first
            loop.post { me.value.socketTrouble = trouble }
        }
        return socketTrouble
    }

    /// Begins to answer subscriptions and to send heartbeats.
    func start() throws {
        for (one, (_, socket)) in zip(connections, sockets) {
            try one.start(try events.perform { socket.value.served.addresses })
        }
        let me = LoopBound(self, to: loop)
        try events.perform { [loop, outlet] in
            var announced = ContinuousClock.now - EventPublisher.announcementInterval
            try outlet.value.start(
                begins: {
                    guard .now - announced >= EventPublisher.announcementInterval else { return }
                    announced = .now
                    loop.post { me.value.watch.begin() }
                },
                backlogged: { isBacklogged in loop.post { me.value.watch.report(isBacklogged: isBacklogged) } },
                reads: { index, reports in loop.post { me.value.take(reports, of: index) } })
        }
    }

    private func take(_ reports: [SubscriptionReport], of index: Int) {
        for report in reports {
            connections[index].take(report, of: report.user.flatMap { access.principal(named: $0) })
        }
    }

    /// Serves remote peers under another key from now on. All of them are cut, and come back.
    func change(_ serverKey: CurveKeyPair) {
        for (_, socket) in sockets { events.post { socket.value.served.change(serverKey) } }
    }

    /// What is counted of events.
    var figures: EventFigures {
        EventFigures(
            counts: counts, subscribers: connections.reduce(0) { $0 + $1.subscribers }, unpublished: missed)
    }

    // MARK: Events

    /// How many events wait to be sent.
    var waiting: Int { backlog.count.load(ordering: .relaxed) }

    func publish(_ events: [RecordedEvent]) {
        for event in events { counts[event.kind, default: 0] += 1 }
        guard waiting <= EventPublisher.longestBacklog else { return miss(events.count) }
        backlog.count.add(events.count, ordering: .relaxed)
        self.events.post { [outlet, backlog] in
            outlet.value.publish(events)
            backlog.count.subtract(events.count, ordering: .relaxed)
        }
        watch.begin()
    }

    private func miss(_ count: Int) {
        if missed == 0 {
            logger.error("events come faster than they can be sent: collectors must fetch some of them")
        }
        missed += UInt64(count)
    }

    // MARK: The end

    /// Runs `done` when everything so far has been handed to libzmq.
    func flush(_ done: @escaping () -> Void) {
        let done = LoopBound(done, to: loop)
        events.post { [loop] in loop.post { done.value() } }
    }

    /// Closes the sockets; unsent events are kept for the linger time.
    func close() {
        // A peer that holds the other loop would hold up the stop.
        if watch.isHeld { for one in connections { one.cutFlooding() } }
        for one in connections { one.close() }
        events.post { [outlet] in outlet.value.close() }
        events.stop()
    }
}
