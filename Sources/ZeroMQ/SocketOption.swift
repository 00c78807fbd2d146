import CZeroMQ

/// An option of a socket together with the type that libzmq takes for it, so that a wrong width cannot be passed.
public struct SocketOption<Value: Sendable>: Sendable {
    let name: Int32
    let label: String

    init(_ name: Int32, _ label: String) {
        self.name = name
        self.label = label
    }
}

extension SocketOption<Int32> {
    /// The most messages queued for one peer on the way out.
    public static var sendHighWaterMark: Self { Self(ZMQ_SNDHWM, "ZMQ_SNDHWM") }
    /// The most messages queued from one peer on the way in.
    public static var receiveHighWaterMark: Self { Self(ZMQ_RCVHWM, "ZMQ_RCVHWM") }
    /// Milliseconds for which unsent messages are kept at close; -1 is for ever.
    public static var linger: Self { Self(ZMQ_LINGER, "ZMQ_LINGER") }
    /// Milliseconds between ZMTP heartbeats; 0 is none.
    public static var heartbeatInterval: Self { Self(ZMQ_HEARTBEAT_IVL, "ZMQ_HEARTBEAT_IVL") }
    /// Milliseconds without an answer after which a peer is gone.
    public static var heartbeatTimeout: Self { Self(ZMQ_HEARTBEAT_TIMEOUT, "ZMQ_HEARTBEAT_TIMEOUT") }
    /// Milliseconds that a ZMTP handshake may take.
    public static var handshakeInterval: Self { Self(ZMQ_HANDSHAKE_IVL, "ZMQ_HANDSHAKE_IVL") }
    /// TCP keep-alive: 1 on, 0 off, -1 the system's default.
    public static var tcpKeepAlive: Self { Self(ZMQ_TCP_KEEPALIVE, "ZMQ_TCP_KEEPALIVE") }
    /// Seconds of silence before the first keep-alive probe.
    public static var tcpKeepAliveIdle: Self { Self(ZMQ_TCP_KEEPALIVE_IDLE, "ZMQ_TCP_KEEPALIVE_IDLE") }
    /// Seconds between keep-alive probes.
    public static var tcpKeepAliveInterval: Self { Self(ZMQ_TCP_KEEPALIVE_INTVL, "ZMQ_TCP_KEEPALIVE_INTVL") }
    /// Probes without an answer after which a peer is gone.
    public static var tcpKeepAliveCount: Self { Self(ZMQ_TCP_KEEPALIVE_CNT, "ZMQ_TCP_KEEPALIVE_CNT") }
    /// Bytes that the system takes in of one connection before libzmq reads them; -1 is the system's default.
    public static var receiveBuffer: Self { Self(ZMQ_RCVBUF, "ZMQ_RCVBUF") }
    /// Connections that may wait to be accepted.
    public static var backlog: Self { Self(ZMQ_BACKLOG, "ZMQ_BACKLOG") }
    /// Milliseconds that a receive may wait; -1 is for ever.
    public static var receiveTimeout: Self { Self(ZMQ_RCVTIMEO, "ZMQ_RCVTIMEO") }
    /// Milliseconds that a send may wait; -1 is for ever.
    public static var sendTimeout: Self { Self(ZMQ_SNDTIMEO, "ZMQ_SNDTIMEO") }
    /// Milliseconds between attempts to connect again.
    public static var reconnectInterval: Self { Self(ZMQ_RECONNECT_IVL, "ZMQ_RECONNECT_IVL") }
    /// How a ZAP domain that no handler serves is taken: 1 refuses every peer. The number is in the draft part of zmq.h
    /// only; the option works in released builds.
    public static var zapEnforceDomain: Self { Self(93, "ZMQ_ZAP_ENFORCE_DOMAIN") }
    /// The most milliseconds between attempts to connect again, which double up to it.
    public static var reconnectIntervalMaximum: Self { Self(ZMQ_RECONNECT_IVL_MAX, "ZMQ_RECONNECT_IVL_MAX") }
}

extension SocketOption<Bool> {
    /// A send to an unknown or full peer fails instead of vanishing.
    public static var routerMandatory: Self { Self(ZMQ_ROUTER_MANDATORY, "ZMQ_ROUTER_MANDATORY") }
    /// A peer that comes back under its old routing id takes over from its old connection.
    public static var routerHandover: Self { Self(ZMQ_ROUTER_HANDOVER, "ZMQ_ROUTER_HANDOVER") }
    /// Every subscription is handed up, not only the first of its prefix.
    public static var xpubVerbose: Self { Self(ZMQ_XPUB_VERBOSE, "ZMQ_XPUB_VERBOSE") }
    /// Names resolve to IPv6 too.
    public static var ipv6: Self { Self(ZMQ_IPV6, "ZMQ_IPV6") }
    /// Peers must speak CURVE, to this side's secret key.
    public static var curveServer: Self { Self(ZMQ_CURVE_SERVER, "ZMQ_CURVE_SERVER") }
    /// Messages queue only for connections that are complete.
    public static var immediate: Self { Self(ZMQ_IMMEDIATE, "ZMQ_IMMEDIATE") }
}

extension SocketOption<CurveKey> {
    /// This side's secret key.
    public static var curveSecretKey: Self { Self(ZMQ_CURVE_SECRETKEY, "ZMQ_CURVE_SECRETKEY") }
    /// This side's public key: a client's.
    public static var curvePublicKey: Self { Self(ZMQ_CURVE_PUBLICKEY, "ZMQ_CURVE_PUBLICKEY") }
    /// The other side's public key: the server's, for a client.
    public static var curveServerKey: Self { Self(ZMQ_CURVE_SERVERKEY, "ZMQ_CURVE_SERVERKEY") }
}

extension SocketOption<Int64> {
    /// The most bytes of one frame that a peer may send; its connection is closed otherwise.
    public static var maximumMessageSize: Self { Self(ZMQ_MAXMSGSIZE, "ZMQ_MAXMSGSIZE") }
}

extension SocketOption<String> {
    /// The domain that a ZAP handler is asked with.
    public static var zapDomain: Self { Self(ZMQ_ZAP_DOMAIN, "ZMQ_ZAP_DOMAIN") }
    /// The routing id under which a ROUTER knows this socket.
    public static var routingID: Self { Self(ZMQ_ROUTING_ID, "ZMQ_ROUTING_ID") }
    /// A topic prefix to receive.
    public static var subscribe: Self { Self(ZMQ_SUBSCRIBE, "ZMQ_SUBSCRIBE") }
    /// A topic prefix to receive no more.
    public static var unsubscribe: Self { Self(ZMQ_UNSUBSCRIBE, "ZMQ_UNSUBSCRIBE") }
}
