/// Where a request came from: the routing id that the ROUTER gave, and the envelope that a reply repeats.
///
/// A routing id only addresses a reply; `principal` identifies the sender of the request.
struct ReplyRoute: Sendable, Hashable {
    /// The frames between the routing id and the body of a request.
    enum Envelope: Sendable, Hashable {
        /// A DEALER's: the body follows at once.
        case none
        /// A REQ's: one empty frame.
        case delimiter
        /// A REQ's that correlates, or that of a client behind a proxy: these frames, and then an empty one.
        case frames([[UInt8]])
    }

    let routingID: [UInt8]
    let envelope: Envelope
    /// Whose socket the request came by: routing ids of two sockets have nothing to do with each other.
    let trust: TrustClass
    /// The sender of the request. It is no part of the route's identity.
    let principal: Principal
    /// The descriptor of the connection; nil where libzmq does not know it. It is no part of the route's identity.
    let connection: Int32?

    init(
        _ routingID: [UInt8], _ envelope: Envelope, _ trust: TrustClass, _ principal: Principal, _ connection: Int32?
    ) {
        self.routingID = routingID
        self.envelope = envelope
        self.trust = trust
        self.principal = principal
        self.connection = connection
    }

    /// Whose limits apply to the request: each connection's among the peers of this host, else the principal's.
    enum Account: Sendable, Hashable {
        case peer(TrustClass, [UInt8])
        case principal(String)
    }

    var account: Account { principal.isLocal ? .peer(trust, routingID) : .principal(principal.name) }

    static func == (left: ReplyRoute, right: ReplyRoute) -> Bool {
        left.trust == right.trust && left.routingID == right.routingID && left.envelope == right.envelope
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(trust)
        hasher.combine(routingID)
        hasher.combine(envelope)
    }
}
