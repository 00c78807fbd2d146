import ZeroMQ

/// An endpoint to serve at, or, behind a `>`, to connect to.
struct Endpoint: Sendable, Equatable {
    var address: String
    var connects: Bool

    init(_ text: String) {
        connects = text.hasPrefix(">")
        address = connects ? String(text.dropFirst()) : text
    }

    /// The file of an `ipc://` endpoint; nil where there is none, as for an abstract name.
    var socketFile: String? {
        guard address.hasPrefix("ipc://") else { return nil }
        let path = String(address.dropFirst("ipc://".count))
        return path.hasPrefix("@") ? nil : path
    }

    /// Why it may not be used in the clear; nil where it may.
    ///
    /// Only what cannot leave the host may: `ipc://`, `inproc://`, and TCP to or on the loopback addresses.
    func refusal(setting: String) -> String? {
        if address.hasPrefix("ipc://") || address.hasPrefix("inproc://") { return nil }
        guard address.hasPrefix("tcp://") else {
            return "\(setting): \"\(address)\" is no tcp:// or ipc:// endpoint"
        }
        let rest = address.dropFirst("tcp://".count)
        guard let colon = rest.lastIndex(of: ":") else {
            return "\(setting): \"\(address)\" has no port; write tcp://ADDRESS:PORT, with * for any port"
        }
        let host = rest[..<colon]
        let isLoopback =
            host == "localhost" || host == "[::1]" || host == "::1"
            || (host.hasPrefix("127.") && host.split(separator: ".", omittingEmptySubsequences: false).count == 4
                && host.allSatisfy { $0.isNumber || $0 == "." })
        guard isLoopback else {
            return
                "\(setting): \"\(address)\" can be reached from other hosts, which needs CURVE, and this version has none "
                + "yet; set \(setting) to an ipc:// endpoint or to tcp://127.0.0.1:PORT"
        }
        return nil
    }
}

extension Socket {
    /// Sets the options that are part of the contract.
    func configure(_ configuration: WorkerConfiguration) throws(ZeroMQError) {
        let times = configuration.times
        try set(.sendHighWaterMark, configuration.limits.highWaterMark)
        try set(.linger, times.linger.milliseconds)
        try set(.handshakeInterval, times.handshake.milliseconds)
        // A dead peer is found by the system's own probes; libzmq's heartbeats could abort the process (see Socket).
        let interval = max(1, times.heartbeatInterval.milliseconds / 1000)
        let timeout = max(1, times.heartbeatTimeout.milliseconds / 1000)
        try set(.tcpKeepAlive, 1)
        try set(.tcpKeepAliveIdle, interval)
        try set(.tcpKeepAliveInterval, interval)
        try set(.tcpKeepAliveCount, max(1, timeout / interval - 1))
        try set(.ipv6, true)
        // What the system holds of a connection is still read after the connection was cut: no more than it needs.
        try set(.receiveBuffer, 128 << 10)
        // A whole fleet of schedulers may connect at once, as when this host comes back.
        try set(.backlog, 1024)
    }

    /// Serves at `endpoint`, or connects to it.
    /// - Parameter ipcMode: the permissions of the socket's file.
    /// - Returns: where it serves, with the port that a `*` became.
    func attach(_ endpoint: Endpoint, ipcMode: FileMode) throws -> String {
        guard endpoint.connects else {
            let served = try bind(endpoint.address)
            if let path = Endpoint(served).socketFile { try ipcMode.apply(to: path) }
            return served
        }
        try connect(endpoint.address)
        return ">" + endpoint.address
    }
}

extension Duration {
    /// Whole milliseconds, as libzmq takes them.
    var milliseconds: Int32 {
        Int32(clamping: components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
