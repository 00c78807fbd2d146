import Logging
import MessagePack
import ZeroMQ

/// Reading ahead of peers that send faster than they are served, and cutting those that are over a hard bound.
extension CommandSocket {
    /// How long a look may last.
    private static let lookDuration = Duration.milliseconds(4)
    /// So many messages of a peer that is gone are served, whatever the worker is busy with.
    private static let mostOfOneGone = 1024

    /// A turn has ended with more to read: now and then, sees how much that is.
    func lookAhead(wasLong: Bool, _ message: inout IncomingMessage) throws(ZeroMQError) -> SocketLoop.Turn {
        guard pace.isDue(wasLong: wasLong) || !cutPeers.isEmpty else { return .busy }
        let end = ContinuousClock.now + CommandSocket.lookDuration
        var (count, isCut) = (0, false)
        while !isCut, try message.begin(from: socket) {
            try storeUnlessCut(&message)
            count += 1
            // The clock is read now and then only.
            isCut = count % 16 == 0 && .now >= end
        }
        pace.isBehind = isCut || readAhead.isLarge
        return .busy
    }

    /// Puts the message whose routing id was received behind those of the same connection.
    private func storeUnlessCut(_ message: inout IncomingMessage) throws(ZeroMQError) {
        guard try !discardIfCut(&message) else { return }
        try message.finish(from: socket)
        let body = message.frames.endsWithBody ? message.frame.bytes : []
        let waiting = ReadAhead.Waiting(message.frames, body, sender(of: &message.frame))
        for (peer, connection) in readAhead.append(waiting, from: message.peer) { cut(peer, connection) }
    }

    /// Discards the message whose routing id was received, where its connection was cut.
    /// - Returns: whether it did.
    func discardIfCut(_ message: inout IncomingMessage) throws(ZeroMQError) -> Bool {
        guard !cutPeers.isEmpty, cutPeers.contains(message.peer) else { return false }
        try message.discard(from: socket)
        return true
    }

    /// A reply found no reader: where very much waits of its peer, the rest is discarded.
    func noteGone(_ peer: [UInt8]) {
        counters.undeliverable += 1
        if readAhead.discard(peer, over: CommandSocket.mostOfOneGone) { cutPeers.insert(peer, at: .now) }
    }

    /// Ends the connection of a peer that is over a hard bound.
    func cut(_ peer: [UInt8], _ connection: Int32?) {
        counters.cut += 1
        held.discard(peer)
        cutPeers.insert(peer, at: .now)
        if let connection { connections.cut(connection) }
        // Powers of two: a peer that comes again and again does not fill the log.
        guard counters.cut & (counters.cut - 1) == 0 else { return }
        logger.warning(
            "a connection was cut: its peer sends without end, or does not read its replies",
            metadata: ["cut_so_far": "\(counters.cut)"])
    }

    /// The socket was read empty: nothing is left of connections that were cut.
    func wasReadEmpty() {
        if !cutPeers.isEmpty { cutPeers = CutPeers() }
        pace = ReadAheadPace()
    }
}
