import Synchronization

/// The frames that wait to be sent on one connection: giving it one never blocks, and they are sent in order.
final class FrameWriter: Sendable {
    /// Beyond this many bytes behind the first frame the other end counts as one that has stopped reading, and the
    /// connection is ended.
    static let mostWaiting = 64 << 20

    private struct State {
        var waiting: [Frame] = []
        var bytes = 0
        /// Somebody is sending.
        var sending = false
        var ended = false
    }

    private let socket: FrameSocket
    private let pool: ThreadPool
    private let state = Mutex(State())

    /// - Parameter pool: where it is waited for room, should the other end read slowly.
    init(_ socket: FrameSocket, pool: ThreadPool) {
        self.socket = socket
        self.pool = pool
    }

    /// Sends the frame now, or when those before it have been sent. Its descriptors are closed in any case.
    func send(_ frame: Frame) {
        enum Next { case none, send, drop, end }
        let next = state.withLock { state -> Next in
            if state.ended { return .drop }
            let fits = state.waiting.isEmpty || state.bytes + frame.body.count <= FrameWriter.mostWaiting
            guard fits else { return .end }
            state.waiting.append(frame)
            state.bytes += frame.body.count
            guard !state.sending else { return .none }
            state.sending = true
            return .send
        }
        switch next {
        case .none: break
        case .send: sendWaiting()
        case .drop: frame.closeDescriptors()
        case .end:
            frame.closeDescriptors()
            end()
        }
    }

    /// Ends the connection; what waits is dropped.
    func end() {
        let dropped = state.withLock { state in
            state.ended = true
            defer {
                state.waiting = []
                state.bytes = 0
            }
            return state.waiting
        }
        for frame in dropped { frame.closeDescriptors() }
        socket.end()
    }

    /// Called only by the thread that has set `sending`.
    private func sendWaiting() {
        while let frame = next() {
            guard send(frame.bytes[...], frame) else { return }
        }
    }

    private func next() -> Frame? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.sending = false
                return nil
            }
            let frame = state.waiting.removeFirst()
            state.bytes -= frame.body.count
            return frame
        }
    }

    /// Sends the rest of a frame; false when a thread of the pool has taken over, or the connection has ended.
    private func send(_ rest: ArraySlice<UInt8>, _ frame: Frame, waits: Bool = false) -> Bool {
        var rest = rest
        var descriptors = rest.startIndex == 0 ? frame.descriptors : []
        while !rest.isEmpty {
            switch socket.send(rest, descriptors) {
            case .bytes(let count):
                rest = rest.dropFirst(count)
                // They have gone with the first byte.
                descriptors = []
            case .full where waits:
                socket.waitForRoom()
            case .full:
                pool.submit { [self, rest] in
                    if send(rest, frame, waits: true) { sendWaiting() }
                }
                return false
            case .failed:
                frame.closeDescriptors()
                end()
                return false
            }
        }
        frame.closeDescriptors()
        return true
    }
}
