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

    /// As the settings have it.
    var text: String { (connects ? ">" : "") + address }

    /// Whether only this host can reach it: `ipc://`, and TCP to or on the loopback addresses.
    var isLocal: Bool {
        if address.hasPrefix("ipc://") { return true }
        guard let host else { return false }
        return host == "localhost" || host == "[::1]" || host == "::1"
            || (host.hasPrefix("127.") && host.split(separator: ".", omittingEmptySubsequences: false).count == 4
                && host.allSatisfy { $0.isNumber || $0 == "." })
    }

    /// The host of a TCP endpoint; nil where it has no port, or is of another transport.
    private var host: Substring? {
        guard address.hasPrefix("tcp://") else { return nil }
        let rest = address.dropFirst("tcp://".count)
        return rest.lastIndex(of: ":").map { rest[..<$0] }
    }

    /// Why it may not be used; nil where it may.
    /// - Parameters:
    ///   - setting: the setting that has it.
    ///   - hasKey: whether the worker has a key, without which no other host can come in.
    func refusal(setting: String, hasKey: Bool) -> String? {
        guard address.hasPrefix("ipc://") || address.hasPrefix("tcp://") else {
            return "\(setting): \"\(address)\" is no tcp:// or ipc:// endpoint"
        }
        guard address.hasPrefix("ipc://") || host != nil else {
            return "\(setting): \"\(address)\" has no port; write tcp://ADDRESS:PORT, with * for any port"
        }
        return isLocal || hasKey ? nil : keyRefusal(setting)
    }

    /// Why metrics and health may not be served there; nil where they may. Other hosts may come in without a key, since
    /// somebody has chosen so.
    var refusalForHTTP: String? {
        guard !connects, address.hasPrefix("tcp://"), host != nil else {
            return "http: \"\(text)\" is no tcp://ADDRESS:PORT; use none where no metrics and health are to be served"
        }
        return nil
    }

    /// What is missing where other hosts can reach it and there is no key.
    func keyRefusal(_ setting: String) -> String {
        "\(setting): \"\(address)\" can be reached from other hosts, which needs a key: make one with "
            + "`windlass keys generate --server` and give its file as server_key, or set \(setting) to an ipc:// endpoint "
            + "or to tcp://127.0.0.1:PORT"
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
        // The system's buffer is still read after a connection was cut, so it is kept small.
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
