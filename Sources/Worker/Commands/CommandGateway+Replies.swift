import ContainerProtocol
import Logging
import MessagePack
import ZeroMQ

/// How replies and notifications go out.
extension CommandGateway {
    /// Answers a remembered request, once everything that it caused has been published.
    nonisolated func answer(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) {
        let (others, isQuestion) = assumeIsolated { gateway in
            (gateway.settle(number, result), gateway.pending[number]?.isQuestion ?? false)
        }
        // A refusal that may be tried again says of nothing that it was done.
        let isRefusal = if case .failure(let failure) = result { failure.retryable } else { false }
        services.events.assumeIsolated { events in
            events.whenPublished(isQuestion: isQuestion || isRefusal) { [self] in
                assumeIsolated { gateway in
                    gateway.conclude(number, result)
                    for other in others { gateway.conclude(other, result) }
                }
            }
        }
    }

    func conclude(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) {
        guard let entry = pending.removeValue(forKey: number), let route = entry.route else { return }
        if let deadline = entry.deadline { services.loop.cancel(deadline) }
        if entry.isParked { parked.remove() }
        let left = pendingPerPeer[route.routingID, default: 1] - 1
        pendingPerPeer[route.routingID] = left > 0 ? left : nil
        respond(route, entry.msgid, result)
    }

    /// The most frequent question by far: answered on the spot to the one whose routing frame is at hand, without
    /// remembering the request or copying the record.
    func respondWithState(of id: ContainerID, _ msgid: UInt32, _ hasDelimiter: Bool) {
        beginResponse(msgid)
        if let queue = pool.assumeIsolated({ $0.queue(id) }) {
            writer.null()
            // Safe: the queue runs on this same loop, and the writer does not stay with it.
            nonisolated(unsafe) let writer = writer
            queue.assumeIsolated { $0.record.encode(to: writer) }
        } else {
            Failure.noContainer(id).value.encode(to: writer)
            writer.null()
        }
        if held.isEmpty {
            let delivery = routingFrame.withBytes { send($0, hasDelimiter) }
            if delivery != .full { return }
        }
        deliver(routingFrame.bytes, hasDelimiter)
    }

    private func beginResponse(_ msgid: UInt32) {
        writer.clear()
        writer.array(4)
        writer.unsigned(1)
        writer.unsigned(UInt64(msgid))
    }

    func respond(_ route: ReplyRoute, _ msgid: UInt32, _ result: Result<any WireEncodable, Failure>) {
        beginResponse(msgid)
        switch result {
        case .success(let value):
            writer.null()
            value.encode(to: writer)
        case .failure(let failure):
            failure.value.encode(to: writer)
            writer.null()
        }
        deliver(route.routingID, route.hasDelimiter)
    }

    /// Sends the reply that the writer holds; one that the peer's queue does not take is kept, and tried again.
    private func deliver(_ routingID: [UInt8], _ hasDelimiter: Bool) {
        if held[routingID] == nil {
            switch routingID.withUnsafeBytes({ send($0, hasDelimiter) }) {
            case .sent: return
            case .unreachable:
                counters.undeliverable += 1
                return
            case .full: break
            }
            retrySoon()
        }
        hold(routingID, hasDelimiter)
    }

    /// Between attempts to send what is kept.
    private static let patience = Duration.milliseconds(20)

    private func hold(_ routingID: [UInt8], _ hasDelimiter: Bool) {
        var replies = held[routingID] ?? HeldReplies()
        if !replies.add(writer.bytes, hasDelimiter) {
            counters.undeliverable += 1
            if replies.lost == 1 {
                services.logger.warning(
                    "a peer does not read its replies, and loses some", metadata: ["routing_id": "\(routingID)"])
            }
        }
        held[routingID] = replies
    }

    func sendHeld() {
        for routingID in Array(held.keys) {
            while let first = held[routingID]?.first {
                writer.clear()
                writer.encoded(first.body)
                let delivery = routingID.withUnsafeBytes { send($0, first.hasDelimiter) }
                if delivery == .full { break }
                if delivery == .unreachable { held[routingID] = nil } else { held[routingID]?.removeFirst() }
            }
            if held[routingID]?.first == nil { held[routingID] = nil }
        }
        if !held.isEmpty { retrySoon() }
    }

    /// One deadline serves all peers: a new one for each of them would soon be very many.
    private func retrySoon() {
        guard !isRetrying else { return }
        isRetrying = true
        services.loop.schedule(after: CommandGateway.patience) { [self] in
            assumeIsolated { gateway in
                gateway.isRetrying = false
                gateway.sendHeld()
            }
        }
    }

    /// Sends a notification: `[2, "output", [{...}]]`.
    func notify(_ route: ReplyRoute, _ output: Output) -> Delivery {
        writer.clear()
        writer.array(3)
        writer.unsigned(2)
        writer.string("output")
        writer.array(1)
        output.encode(to: writer)
        return send(route)
    }

    /// Sends what the writer holds.
    private func send(_ route: ReplyRoute) -> Delivery {
        route.routingID.withUnsafeBytes { send($0, route.hasDelimiter) }
    }

    private func send(_ routingID: UnsafeRawBufferPointer, _ hasDelimiter: Bool) -> Delivery {
        do throws(ZeroMQError) {
            guard try socket.send(routingID, more: true) else { return .full }
            if hasDelimiter { try socket.send([], more: true) }
            try socket.send(writer)
            return .sent
        } catch {
            if !error.isUnreachable {
                services.logger.error("a reply could not be sent", metadata: ["error": "\(error)"])
            }
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
