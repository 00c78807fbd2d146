import Logging
import ZeroMQ

/// The connections of one socket: counted, known by their principals, and cut. On the loop only.
final class PeerConnections {
    private let socket: Socket
    private let monitor: ConnectionMonitor
    private let loop: SocketLoop
    private let logger: Logger
    private var table: ConnectionTable
    private var surplus: UInt64 = 0

    /// A remote connection that brings no message for this long is cut: nothing would show whose it is.
    private static let longestSilence = Duration.seconds(60)
    private static let turnSize = 256

    /// Monitors the connections that `socket` gets from now on: before its endpoints are bound.
    /// - Parameter limit: the most connections; further ones are cut before their handshake.
    init(of socket: Socket, limit: Int, on loop: SocketLoop, logger: Logger) throws(ZeroMQError) {
        self.socket = socket
        self.loop = loop
        self.logger = logger
        monitor = try ConnectionMonitor(socket, .standing)
        table = ConnectionTable(limit: limit)
    }

    func start() throws(ZeroMQError) { try loop.addQuiet(monitor.socket) { self.read() } }

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
    func approve(_ principal: Principal) {
        // Peers of this host share a principal: whose connection it is does not matter.
        guard !principal.isLocal else { return }
        drain()
        table.approve(principal.name)
    }

    /// The connections of a principal, those without a message included.
    func count(of principal: String) -> Int {
        drain()
        return table.count(of: principal)
    }

    /// A message of `principal` came by a connection.
    func note(_ descriptor: Int32?, of principal: Principal) {
        guard !principal.isLocal, let descriptor, !table.isProven(descriptor, principal.name) else { return }
        // The descriptor may have had another owner: that it has changed is reported before a message of the new one.
        drain()
        table.prove(descriptor, principal.name)
    }

    /// A connection has subscribed once more (1), or once less (-1).
    /// - Returns: how many subscriptions it has.
    func subscribed(_ descriptor: Int32, _ change: Int) -> Int {
        if !table.holds(descriptor) { drain() }
        return table.subscribed(descriptor, change)
    }

    // MARK: Cutting

    /// Ends a connection; its peer may connect again.
    @discardableResult
    func cut(_ descriptor: Int32) -> Bool { Connection.cut(descriptor, of: socket) }

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
            guard !table.accepted(descriptor, at: loop.now) else { return }
            cut(descriptor)
            surplus += 1
            // Powers of two: a peer that comes again and again does not fill the log.
            guard surplus & (surplus - 1) == 0 else { return }
            logger.warning(
                "a connection was cut: this socket has as many as max_connections allows",
                metadata: ["cut_so_far": "\(surplus)"])
        case .disconnected(let descriptor): table.disconnected(descriptor)
        case .connected, .refused, .failed: break
        }
    }
}
