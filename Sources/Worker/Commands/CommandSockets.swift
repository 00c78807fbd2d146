import ContainerProtocol
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
        sockets = try TrustClass.allCases.compactMap { trust in
            let own = endpoints.filter { $0.trust == trust }
            guard !own.isEmpty else { return nil }
            return try CommandSocket(
                configuration: configuration, trust, own, access: access, on: loop, logger: logger,
                receiver: receiver)
        }
    }

    /// Serves at every endpoint.
    /// - Returns: where they serve, in the order of the settings.
    func serve(_ serverKey: CurveKeyPair?, _ authenticator: Authenticator) throws -> [String] {
        for socket in sockets { try socket.serve(serverKey, authenticator) }
        return endpoints.inOrder(sockets.map { ($0.trust, $0.servedEndpoints) })
    }

    func start() throws(ZeroMQError) { for socket in sockets { try socket.start() } }
    func stopReceiving() { for socket in sockets { socket.stopReceiving() } }
    func close() { for socket in sockets { socket.close() } }

    /// Serves remote peers under another key from now on. All of them are cut, and come back.
    func change(_ serverKey: CurveKeyPair) { for socket in sockets { socket.change(serverKey) } }

    /// Ends the connections of principals.
    /// - Returns: how many there were.
    func cut(_ principals: Set<String>) -> Int { sockets.reduce(0) { $0 + $1.connections.cut(principals) } }

    /// Ends remote connections that have brought no message for long.
    func cutSilent() { for socket in sockets where socket.trust == .remote { socket.connections.cutSilent() } }

    /// How many connections of a principal there are.
    func connections(of principal: String) -> Int { sockets.reduce(0) { $0 + $1.connections.count(of: principal) } }

    /// How many connections there are.
    var connectionCount: Int { sockets.reduce(0) { $0 + $1.connections.count } }

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
