import ContainerProtocol
import MessagePack
import ZeroMQ

/// The connection: made, watched, lost and made again.
///
/// libzmq would connect again by itself, but it keeps unsent messages and does not report which were sent: an old
/// request could come after a new one. So each connection gets a socket of its own, and unanswered requests are sent on
/// the next. libzmq's monitor reports a loss. Silence does not, because the worker is also silent during a long
/// creation.
extension WorkerClient {
    func connectIfNeeded() throws(Failure) {
        guard connection == nil, reconnection == nil else { return }
        try connect()
    }

    private func connect() throws(Failure) {
        let new: Connection
        do throws(ZeroMQError) {
            new = try makeConnection()
        } catch {
            throw .noSocket(error)
        }
        do throws(ZeroMQError) {
            try new.socket.connect(endpoint)
        } catch {
            throw .badEndpoint(error)
        }
        connection = new
        loop.add(new.socket) { [weak self] in self?.assumeIsolated { $0.receive() } ?? .idle }
        // The loop holds the monitor too: where the client goes on another thread, the monitor still ends on the loop's.
        loop.add(new.watch.socket) { [weak self, watch = new.watch] in
            withExtendedLifetime(watch) { self?.assumeIsolated { $0.watch() } ?? .idle }
        }
    }

    private func makeConnection() throws(ZeroMQError) -> Connection {
        let socket = try Socket(.dealer, in: loop.context)
        try socket.set(.linger, 500)
        try socket.configureClient()
        try socket.secure(credentials, after: handshakeFailures)
        try socket.set(.sendHighWaterMark, 10_000)
        // The pause between attempts that reach no worker. After a connection that broke, the client pauses itself.
        try socket.set(.reconnectInterval, 100)
        try socket.set(.reconnectIntervalMaximum, 5_000)
        return Connection(socket: socket, watch: try ConnectionMonitor(socket, .handshakes))
    }

    private func watch() -> SocketLoop.Turn {
        guard let watch = connection?.watch, let change = try? watch.next() else { return .idle }
        switch change {
        // Something listens there. A worker that is stopped goes no further: the system accepts connections for it.
        case .accepted: connection?.isAccepted = true
        case .connected: connected()
        case .refused: handshakeFailed(.keyRefused(endpoint), isRefusal: true)
        // libzmq reports a message that cannot be decrypted as a failed handshake, and may never read the connection again.
        case .failed where connection?.stands == true: lost()
        case .failed: handshakeFailed(.handshakeFailed(endpoint), isRefusal: false)
        // An attempt that got no further than the handshake: libzmq goes on trying, at its own pace.
        case .disconnected where connection?.stands == true: lost()
        case .disconnected: connection?.isAccepted = false
        }
        return .busy
    }

    private func connected() {
        guard connection?.stands == false else { return }
        connection?.stands = true
        handshakeFailures = 0
        connectionAnnouncer.yield(true)
        sendWaiting()
        attachAgain()
    }

    /// A handshake has failed. After a refusal libzmq does not retry on that socket. After another failure the next of
    /// the worker's keys is tried, on a new socket.
    private func handshakeFailed(_ failure: Failure, isRefusal: Bool) {
        handshakeFailures += 1
        // Without a key there is nothing else to try, and libzmq reconnects by itself.
        guard isRefusal || credentials != nil else { return }
        disconnect()
        if isRefusal || handshakeFailures >= credentials?.failuresToReport ?? 0 { failAll(failure) }
        let pause = Backoff.pause(after: handshakeFailures, chance: time.chance())
        reconnectLater(after: isRefusal ? max(pause, .seconds(1)) : pause)
    }

    private func failAll(_ failure: Failure) {
        for id in calls.keys { finish(id, .failure(failure)) }
        for follower in followers.values { follower.continuation.finish(throwing: failure) }
        followers = [:]
    }

    private func lost() {
        // Reads the replies that the worker sent before it went.
        while receive() == .busy {}
        try? connection?.socket.set(.linger, 0)
        disconnect()
        connectionAnnouncer.yield(false)
        detachFollowers()
        unsend()
        losses += 1
        reconnectLater(after: Backoff.pause(after: losses, chance: time.chance()))
    }

    private func reconnectLater(after pause: Duration) {
        reconnection = alarm(.reconnection, after: pause) { client in
            client.reconnection = nil
            do {
                try client.connect()
            } catch {
                // The system has no socket to give, for now.
                client.losses += 1
                client.reconnectLater(after: Backoff.pause(after: client.losses, chance: client.time.chance()))
            }
        }
    }

    func disconnect() {
        guard let old = connection else { return }
        connection = nil
        loop.remove(old.socket)
        loop.remove(old.watch.socket)
        old.socket.close()
    }

    // MARK: Receiving

    private func receive() -> SocketLoop.Turn {
        guard let socket = connection?.socket else { return .idle }
        for count in 0..<128 {
            guard (try? socket.receive(into: &message)) == true else { return count == 0 ? .idle : .busy }
            guard !message.hasMore else { continue }
            // A body that cannot be decoded belongs to no call; the call that waits for it is repeated or expires.
            guard let body = try? message.withBytes({ bytes in try reader.read(bytes) { try $0.value() } }) else {
                continue
            }
            take(body)
        }
        return .busy
    }

    private func take(_ body: Value) {
        guard let parts = body.array else { return }
        if parts.count == 4, parts[0] == 1, let id = parts[1].unsigned.flatMap({ UInt32(exactly: $0) }) {
            take(id, parts[2].isNull ? .success(parts[3]) : .failure(Failure(parts[2])))
        } else if parts.count == 3, parts[0] == 2, parts[1] == "output", let piece = OutputPiece(parts[2].array?.first)
        {
            take(piece)
        }
    }
}
