import Logging
import MessagePack
import ZeroMQ

/// The command sockets: one for each class of trust that has an endpoint. On the loop only.
final class CommandSockets: ReplySender {
    private let sockets: [CommandSocket]
    private let endpoints: [Endpoint]
    private let access: Access

    /// Makes the sockets, whose requests `receiver` gets.
    init(
        configuration: WorkerConfiguration, access: Access, on loop: SocketLoop, logger: Logger,
        receiver: any RequestReceiver
    ) throws {
        let endpoints = configuration.commandEndpoints.map { Endpoint($0) }
        self.endpoints = endpoints
        self.access = access
        sockets = try endpoints.byTrust.map { trust, own in
            try CommandSocket(
                configuration: configuration, trust, own, access: access, on: loop, logger: logger,
                receiver: receiver)
        }
    }

    /// Serves at every endpoint.
    /// - Returns: where they serve, in the order of the settings.
    func serve(_ serverKey: CurveKeyPair?, _ authenticator: Authenticator) throws -> [String] {
        authenticator.add(connections)
        for socket in sockets { try socket.served.attach(serverKey) }
        return endpoints.inOrder(sockets.map { ($0.trust, $0.served.addresses) })
    }

    func start() throws(ZeroMQError) { for socket in sockets { try socket.start() } }
    func stopReceiving() { for socket in sockets { socket.stopReceiving() } }
    func close() { for socket in sockets { socket.close() } }

    /// Serves remote peers under another key from now on. All of them are cut, and come back.
    func change(_ serverKey: CurveKeyPair) { for socket in sockets { socket.served.change(serverKey) } }

    /// Puts the files of endpoints back that are gone.
    /// - Returns: what could not be put right; nil where nothing is wrong.
    func mendSockets() -> String? { sockets.lazy.compactMap { $0.served.mend() }.first }

    /// The connections of all sockets.
    var connections: [PeerConnections] { sockets.map(\.connections) }

    /// What has gone through all sockets.
    var counters: CommandSocket.Counters { sockets.reduce(CommandSocket.Counters()) { $0 + $1.counters } }

    // MARK: ReplySender

    private func socket(_ route: ReplyRoute) -> CommandSocket? { sockets.first { $0.trust == route.trust } }

    // No reply is sent to a principal that has lost its access.

    func reply(_ route: ReplyRoute, _ body: Writer) {
        if access.current(route.principal) != nil { socket(route)?.reply(route, body) }
    }

    func notify(_ route: ReplyRoute, _ body: Writer) -> Delivery {
        guard access.current(route.principal) != nil else { return .unreachable }
        return socket(route)?.notify(route, body) ?? .unreachable
    }
}
