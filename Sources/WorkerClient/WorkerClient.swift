public import ContainerProtocol
public import MessagePack
import ZeroMQ

/// Speaks to one worker: sends requests, matches replies, and follows output.
///
/// Any number of calls may be under way at a time; each waits for its own reply. The client owns its socket and runs on
/// a socket loop of its own. It ends when ``close()`` is called or when nobody holds it.
public actor WorkerClient {
    public nonisolated let unownedExecutor: UnownedSerialExecutor
    /// The worker's command endpoint.
    public nonisolated let endpoint: String
    private let loop: SocketLoop
    private var socket: Socket?
    private let reader = Reader()
    private let writer = Writer()
    private var message = Message()
    private var lastID: UInt32 = 0
    private var calls: [UInt32: CheckedContinuation<Value, any Error>] = [:]
    private var followers: [OutputSource: AsyncThrowingStream<OutputPiece, any Error>.Continuation] = [:]

    /// Which process's output.
    private struct OutputSource: Hashable {
        let id: String
        let process: String
    }

    /// Prepares to speak to the worker at `endpoint`; libzmq connects when the worker is there, and again when it comes back.
    public init(_ endpoint: String) throws {
        self.endpoint = endpoint
        loop = try SocketLoop(context: try Context(), name: "worker-client")
        unownedExecutor = loop.asUnownedSerialExecutor()
    }

    deinit {
        // The loop's thread may be the one that lets go of the last reference, and it cannot wait for itself.
        let loop = loop
        Task.detached { loop.stop() }
    }

    /// Ends every call that is under way, and the connection.
    public func close() {
        if let socket {
            loop.remove(socket)
            socket.close()
        }
        socket = nil
        let closed = Failure(.cancelled, "the client was closed")
        for call in calls.values { call.resume(throwing: closed) }
        calls = [:]
        for follower in followers.values { follower.finish(throwing: closed) }
        followers = [:]
    }

    // MARK: Calls

    /// Calls a method.
    /// - Parameters:
    ///   - parameters: the request's one map.
    ///   - timeout: the longest wait, here and, as `timeout_ms`, in the worker; for ever where it is nil.
    /// - Returns: the result.
    /// - Throws: ``Failure``, the worker's own or, where the worker did not answer, `deadline_exceeded` or `unavailable`.
    public func call(
        _ method: Method, _ parameters: Value = [:], timeout: Duration? = nil
    ) async throws -> Value {
        var parameters = parameters.map ?? [:]
        if let timeout { parameters["timeout_ms"] = .int(max(0, timeout / .milliseconds(1)).rounded(.up)) }
        let socket = try connected()
        lastID &+= 1
        let id = lastID
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                calls[id] = continuation
                send(id, method, parameters, on: socket)
                // The worker answers at the deadline; only where it is not there does the client have to.
                if let timeout {
                    loop.schedule(after: timeout + .seconds(1)) { [weak self] in
                        self?.assumeIsolated { $0.giveUp(id) }
                    }
                }
            }
        } onCancel: {
            Task { await self.cancel(id) }
        }
    }

    private func connected() throws -> Socket {
        if let socket { return socket }
        let socket = try Socket(.dealer, in: loop.context)
        try socket.set(.linger, 500)
        try socket.set(.ipv6, true)
        try socket.set(.sendHighWaterMark, 10_000)
        try socket.set(.receiveHighWaterMark, 10_000)
        try socket.set(.heartbeatInterval, 5_000)
        try socket.set(.heartbeatTimeout, 15_000)
        try socket.set(.reconnectInterval, 100)
        try socket.set(.reconnectIntervalMaximum, 5_000)
        try socket.connect(endpoint)
        self.socket = socket
        loop.add(socket) { [weak self] in self?.assumeIsolated { $0.receive() } ?? .idle }
        return socket
    }

    private func send(_ id: UInt32, _ method: Method, _ parameters: Value.Map, on socket: Socket) {
        writer.clear()
        writer.array(4)
        writer.unsigned(0)
        writer.unsigned(UInt64(id))
        writer.string(method.rawValue)
        writer.array(1)
        writer.value(.map(parameters))
        do {
            guard try socket.send(writer.bytes) else {
                throw Failure(.unavailable, "too many requests wait for the worker at \(endpoint)", retryable: true)
            }
        } catch {
            calls.removeValue(forKey: id)?.resume(throwing: error)
        }
    }

    private func giveUp(_ id: UInt32) {
        guard let call = calls.removeValue(forKey: id) else { return }
        call.resume(
            throwing: Failure(
                .deadlineExceeded, "no answer from the worker at \(endpoint); is it running?", retryable: true))
    }

    private func cancel(_ id: UInt32) {
        calls.removeValue(forKey: id)?.resume(throwing: CancellationError())
    }

    // MARK: Output

    /// Follows what a process writes, from `offset` on, until it ends.
    ///
    /// The worker sends at most ``OutputPiece/window`` bytes ahead of what has been taken from the stream.
    public func output(
        of id: ContainerID, _ process: ProcessName = .initial, from offset: UInt64 = 0
    ) async throws -> AsyncThrowingStream<OutputPiece, any Error> {
        let source = OutputSource(id: id.rawValue, process: process.rawValue)
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: OutputPiece.self)
        followers[source]?.finish()
        followers[source] = continuation
        continuation.onTermination = { [weak self] _ in
            Task { await self?.forget(source, id, process) }
        }
        do {
            _ = try await call(
                .attach,
                [
                    "id": .string(id.rawValue), "process": .string(process.rawValue), "from": .unsigned(offset),
                    "credit": .int(OutputPiece.window),
                ])
        } catch {
            followers[source] = nil
            throw error
        }
        return stream
    }

    /// Lets the worker send as many bytes more as `piece` had; call it when a piece has been dealt with.
    public func acknowledge(_ piece: OutputPiece, of id: ContainerID, _ process: ProcessName = .initial) async throws {
        guard !piece.data.isEmpty else { return }
        _ = try await call(
            .credit,
            [
                "id": .string(id.rawValue), "process": .string(process.rawValue), "bytes": .int(piece.data.count),
            ])
    }

    private func forget(_ source: OutputSource, _ id: ContainerID, _ process: ProcessName) async {
        guard followers.removeValue(forKey: source) != nil else { return }
        _ = try? await call(
            .detach, ["id": .string(id.rawValue), "process": .string(process.rawValue)], timeout: .seconds(5))
    }

    // MARK: Receiving

    private func receive() -> SocketLoop.Turn {
        guard let socket else { return .idle }
        for count in 0..<128 {
            guard (try? socket.receive(into: &message)) == true else { return count == 0 ? .idle : .busy }
            guard !message.hasMore else { continue }
            // A body that cannot be read is nobody's: the caller's deadline speaks for it.
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
            guard let call = calls.removeValue(forKey: id) else { return }
            if parts[2].isNull { call.resume(returning: parts[3]) } else { call.resume(throwing: Failure(parts[2])) }
        } else if parts.count == 3, parts[0] == 2, parts[1] == "output", let piece = OutputPiece(parts[2].array?.first) {
            let source = OutputSource(id: piece.id, process: piece.process)
            guard let follower = followers[source] else { return }
            follower.yield(piece)
            if piece.isEnd { followers.removeValue(forKey: source)?.finish() }
        }
    }
}

extension Value {
    fileprivate static func int(_ value: Double) -> Value { .unsigned(UInt64(max(0, value))) }
}
