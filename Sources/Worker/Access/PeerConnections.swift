import Logging
import ZeroMQ

/// The connections of one socket: counted, known by their principals, and cut. On the loop only, even where the socket is
/// another loop's.
final class PeerConnections {
    /// Which peers they are.
    let trust: TrustClass
    /// The ZAP domains by which they come in.
    let domains: Set<AccessDomain>
    private let monitor: ConnectionMonitor
    private let loop: SocketLoop
    private let logger: Logger
    private var table: ConnectionTable
    private var places = Connection.Places([])
    /// Descriptors of connections of this host that have brought a message: most requests are theirs.
    private var heard: [Bool] = []
    /// Whether one more connection may come in now.
    var admission: () -> Bool = { true }
    private var surplus: UInt64 = 0
    private var excess: UInt64 = 0

    /// A remote connection that brings no message for this long is cut: nothing would show whose it is.
    private static let longestSilence = Duration.seconds(60)
    private static let turnSize = 32

    /// Monitors the connections that `socket` gets from now on: on the socket's thread, before its endpoints are bound.
    /// - Parameters:
    ///   - limit: the most connections.
    ///   - loop: whose connections these are from then on.
    init(
        of socket: Socket, _ trust: TrustClass, _ domains: Set<AccessDomain>, limit: Int, on loop: SocketLoop,
        logger: Logger
    ) throws(ZeroMQError) {
        self.trust = trust
        self.domains = domains
        self.loop = loop
        self.logger = logger
        monitor = try ConnectionMonitor(socket, .standing)
        table = ConnectionTable(limit: limit)
    }

    /// Begins to take in what becomes of connections.
    /// - Parameter addresses: where the socket serves.
    func start(_ addresses: [String]) throws(ZeroMQError) {
        places = Connection.Places(addresses.map { Endpoint($0).address })
        try loop.addQuiet(monitor.socket) { self.read() }
    }

    /// Before the socket is closed.
    func close() {
        loop.remove(monitor.socket)
        monitor.close()
    }

    /// How many connections there are.
    var count: Int { table.count }

    /// How many of them subscribe to something.
    var subscribers: Int { table.subscribers }

    // MARK: Whose they are

    /// ZAP has let a principal in.
    /// - Parameter handshake: its number, which messages of the connection show.
    func approve(_ principal: Principal, handshake: UInt64) {
        drain()
        // Peers of this host share a principal: whose connection it is does not matter.
        table.approve(principal.isLocal ? nil : principal.name, handshake: handshake)
    }

    /// The connections of a principal, those without a message included.
    func count(of principal: String) -> Int {
        drain()
        return table.count(of: principal)
    }

    /// A message of `principal` came by a connection.
    func note(_ descriptor: Int32?, of principal: Principal) {
        guard let descriptor else { return }
        if principal.isLocal {
            if heard.indices.contains(Int(descriptor)), heard[Int(descriptor)] { return }
        } else if table.isProven(descriptor, principal.name) {
            return
        }
        // The descriptor may have had another owner: that it has changed is reported before a message of the new one.
        drain()
        table.prove(descriptor, principal.name)
        setHeard(descriptor, principal.isLocal)
    }

    private func setHeard(_ descriptor: Int32, _ value: Bool) {
        guard let index = Int(exactly: descriptor), (0..<(1 << 20)).contains(index) else { return }
        if index >= heard.count {
            guard value else { return }
            heard += repeatElement(false, count: index + 1 - heard.count)
        }
        heard[index] = value
    }

    /// A connection has subscribed to events, or ended subscriptions.
    /// - Parameter principal: whose it is; nil for one that may not come in any more.
    func take(_ report: SubscriptionReport, of principal: Principal?) {
        if !table.isCurrent(report.connection, handshake: report.handshake) {
            drain()
            // What is left of a connection that is gone says nothing about the next one with its descriptor.
            guard table.isCurrent(report.connection, handshake: report.handshake) else { return }
        }
        guard let principal, principal.mayFollowEvents else {
            cut(report.connection)
            return
        }
        note(report.connection, of: principal)
        if table.subscribed(report, at: loop.now) { return cutForExcess(report.connection) }
        if let heaviest = table.heaviest { cutForExcess(heaviest) }
    }

    // MARK: Cutting

    /// Ends a connection; its peer may connect again.
    @discardableResult
    func cut(_ descriptor: Int32) -> Bool {
        table.wasCut(descriptor)
        return Connection.cut(descriptor, of: places)
    }

    /// Ends the connections of principals.
    /// - Returns: how many there were.
    func cut(_ principals: Set<String>) -> Int {
        drain()
        let suspects = table.suspects(of: principals)
        for descriptor in suspects.descriptors { cut(descriptor) }
        return table.descriptors(of: principals).count { cut($0) } + suspects.count
    }

    /// Ends connections that have brought no message for too long.
    func cutSilent() {
        for descriptor in table.silent(for: PeerConnections.longestSilence, at: loop.now) { cut(descriptor) }
    }

    /// Ends connections that have sent more than subscribers need.
    func cutFlooding() {
        drain()
        let found = table.flooding(at: loop.now) { Connection.received($0, before: $1) }
        for descriptor in found { cutForExcess(descriptor) }
    }

    private func cutForExcess(_ descriptor: Int32) {
        guard cut(descriptor) else { return }
        excess += 1
        // Powers of two: a peer that comes again and again does not fill the log.
        guard excess & (excess - 1) == 0 else { return }
        logger.warning(
            "a connection was cut: its peer subscribes without end, or to more than a topic can have",
            metadata: ["cut_so_far": "\(excess)"])
    }

    // MARK: The monitor

    private func read() -> SocketLoop.Turn {
        for count in 0..<PeerConnections.turnSize {
            guard let change = try? monitor.next() else { return count == 0 ? .idle : .busy }
            take(change)
        }
        return .busy
    }

    /// Takes in everything that the monitor has reported.
    private func drain() { while let change = try? monitor.next() { take(change) } }

    private func take(_ change: ConnectionMonitor.Change) {
        switch change {
        case .accepted(let descriptor):
            setHeard(descriptor, false)
            let one = table.accepted(descriptor, at: loop.now)
            if let one { cut(one) }
            if one != descriptor, !admission() {
                cut(descriptor)
                return
            }
            guard one != nil else { return }
            surplus += 1
            // Powers of two: a peer that comes again and again does not fill the log.
            guard surplus & (surplus - 1) == 0 else { return }
            logger.warning(
                "a connection was cut: this socket has as many as max_connections allows, or half as many without a message",
                metadata: ["cut_so_far": "\(surplus)"])
        case .disconnected(let descriptor):
            setHeard(descriptor, false)
            table.disconnected(descriptor)
        case .connected, .refused, .failed: break
        }
    }
}

extension [PeerConnections] {
    /// Ends the connections of principals.
    /// - Returns: how many there were.
    func cut(_ principals: Set<String>) -> Int { reduce(0) { $0 + $1.cut(principals) } }

    /// Ends remote connections that have brought no message for too long.
    func cutSilent() { for one in self where one.trust == .remote { one.cutSilent() } }

    /// How many connections of a principal there are.
    func count(of principal: String) -> Int { reduce(0) { $0 + $1.count(of: principal) } }
}
