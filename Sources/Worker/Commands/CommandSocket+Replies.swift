import Logging
import MessagePack
import ZeroMQ

/// How replies and notifications go out.
extension CommandSocket {
    func reply(_ route: ReplyRoute, _ body: Writer) {
        if !held.holds(route.routingID) {
            switch send(route, body) {
            case .sent: return
            case .unreachable: return noteGone(route.routingID)
            case .full: retrySoon()
            }
        }
        guard let full = held.add(HeldReplies.Reply(body: body.bytes, route: route)) else { return }
        counters.undeliverable += 1
        cut(full.routingID, full.connection)
    }

    func notify(_ route: ReplyRoute, _ body: Writer) -> Delivery {
        // No notification overtakes a reply.
        held.holds(route.routingID) ? .full : send(route, body)
    }

    /// Between attempts to send what is held.
    private static let patience = Duration.milliseconds(20)

    /// Sends what peers' queues take by now of the replies that are held.
    func sendHeld() {
        let writer = Writer()
        for peer in held.peers {
            while let first = held.first(peer) {
                writer.clear()
                writer.encoded(first.body)
                let delivery = send(first.route, writer)
                if delivery == .full { break }
                if delivery == .unreachable { held.discard(peer) } else { held.removeFirst(peer) }
            }
        }
        if !held.isEmpty { retrySoon() }
    }

    /// One deadline serves all peers: a new one for each of them would soon be very many.
    private func retrySoon() {
        guard !isRetrying else { return }
        isRetrying = true
        loop.schedule(after: CommandSocket.patience) { [self] in
            isRetrying = false
            sendHeld()
        }
    }

    /// Sends what `body` holds as a reply or notification along `route`.
    private func send(_ route: ReplyRoute, _ body: Writer) -> Delivery {
        do throws(ZeroMQError) {
            guard try socket.send(route.routingID, more: true) else { return .full }
            switch route.envelope {
            case .none: break
            case .delimiter: try socket.send([], more: true)
            case .frames(let frames):
                for frame in frames { try socket.send(frame, more: true) }
                try socket.send([], more: true)
            }
            try socket.send(body)
            return .sent
        } catch {
            if !error.isUnreachable { reportFailedReply(error) }
            return .unreachable
        }
    }
}

extension Socket {
    /// A frame of this size is handed over rather than copied: below it, a copy is cheaper than another buffer.
    private static let handedOver = 32 * 1024

    /// Sends what `writer` holds as a message's last frame.
    func send(_ writer: Writer) throws(ZeroMQError) {
        if writer.count >= Socket.handedOver {
            try send(adopting: writer.release())
            return
        }
        let result: Result<Bool, ZeroMQError> = writer.withBytes { bytes in
            Result { () throws(ZeroMQError) in try send(bytes) }
        }
        _ = try result.get()
    }
}
