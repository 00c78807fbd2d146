/// Where a request came from: the routing id that the ROUTER gave, and the envelope that a reply repeats.
///
/// It says where a reply goes, never who asked: anyone may take over a routing id.
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
    /// The descriptor of the connection; nil where libzmq does not know it. It is no part of the route's identity.
    let connection: Int32?

    static func == (left: ReplyRoute, right: ReplyRoute) -> Bool {
        left.routingID == right.routingID && left.envelope == right.envelope
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(routingID)
        hasher.combine(envelope)
    }
}
