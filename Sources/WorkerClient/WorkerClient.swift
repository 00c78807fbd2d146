public import ContainerProtocol
public import MessagePack
import ZeroMQ

/// Speaks to one worker: sends requests, matches replies, and follows output.
///
/// Any number of calls may be under way at a time; each waits for its own reply. The client owns its socket and runs on
/// a socket loop of its own. It ends when ``close()`` is called or when nobody holds it.
public actor WorkerClient {
    /// The client's socket loop.
    public nonisolated let unownedExecutor: UnownedSerialExecutor
    /// The worker's command endpoint.
    public nonisolated let endpoint: String
    private let loop: SocketLoop
    private var socket: Socket?
    private var isClosed = false
    private let reader = Reader()
    private let writer = Writer()
    private var message = Message()
    private var lastID: UInt32 = 0
    private var calls: [UInt32: Call] = [:]
    private var followers: [OutputSource: Follower] = [:]
    private var lastFollower: UInt64 = 0

    /// A request without its answer, and when it is given up.
    private struct Call {
        let continuation: CheckedContinuation<Value, any Error>
        let deadline: SocketLoop.Deadline?
    }

    /// Which process's output.
    private struct OutputSource: Hashable {
        let id: String
        let process: String
    }

    /// Who reads it; the number tells a reader from the one that took its place.
    private struct Follower {
        let number: UInt64
        let continuation: AsyncThrowingStream<OutputPiece, any Error>.Continuation
        /// Bytes that were dealt with and that the worker has not been told of.
        var unacknowledged = 0
    }

    /// Prepares to speak to the worker at `endpoint`; libzmq connects when the worker is there, and again when it comes back.
    public init(_ endpoint: String) throws {
        self.endpoint = endpoint
        loop = try SocketLoop(context: try Context(), name: "worker-client")
        unownedExecutor = loop.asUnownedSerialExecutor()
    }

    deinit {
        for follower in followers.values { follower.continuation.finish(throwing: WorkerClient.closed) }
        loop.end()
    }

    /// Ends every call that is under way, and the connection; later calls fail.
    public func close() {
        isClosed = true
        if let socket {
            loop.remove(socket)
            socket.close()
        }
        socket = nil
        let closed = WorkerClient.closed
        for id in calls.keys { finish(id, .failure(closed)) }
        for follower in followers.values { follower.continuation.finish(throwing: closed) }
        followers = [:]
    }

    // MARK: Calls

    /// Calls a method.
    /// - Parameters:
    ///   - parameters: the request's one map.
    ///   - timeout: the longest wait, as `timeout_ms` in the worker and, a second longer, here; for ever where it is nil.
    /// - Returns: the result.
    /// - Throws: ``Failure``: the worker's own, such as `deadline_exceeded`, or `unavailable` where no answer came.
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
                // The worker answers at the deadline; only where it is not there does the client have to.
                let deadline = timeout.map { timeout in
                    loop.schedule(after: timeout + .seconds(1)) { [weak self] in
                        self?.assumeIsolated { $0.giveUp(id) }
                    }
                }
                calls[id] = Call(continuation: continuation, deadline: deadline)
                send(id, method, parameters, on: socket)
            }
        } onCancel: {
            Task { await self.cancel(id) }
        }
    }

    private static let closed = Failure(.cancelled, "the client was closed")

    private func connected() throws -> Socket {
        if isClosed { throw WorkerClient.closed }
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
            finish(id, .failure(error))
        }
    }

    private func finish(_ id: UInt32, _ result: Result<Value, any Error>) {
        guard let call = calls.removeValue(forKey: id) else { return }
        if let deadline = call.deadline { loop.cancel(deadline) }
        call.continuation.resume(with: result)
    }

    private func giveUp(_ id: UInt32) {
        finish(
            id,
            .failure(
                Failure(.unavailable, "no answer from the worker at \(endpoint); is it running?", retryable: true)))
    }

    private func cancel(_ id: UInt32) { finish(id, .failure(CancellationError())) }

    // MARK: Output

    /// Follows what a process writes, until it ends.
    ///
    /// The worker sends at most ``OutputPiece/window`` bytes ahead of what has been acknowledged. A process has one reader
    /// per client: a second one takes the place of the first, whose stream ends.
    public func output(
        of id: ContainerID, _ process: ProcessName = .initial, from start: OutputStart = .start
    ) async throws -> AsyncThrowingStream<OutputPiece, any Error> {
        let source = OutputSource(id: id.rawValue, process: process.rawValue)
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: OutputPiece.self)
        lastFollower += 1
        let number = lastFollower
        // Before the request: pieces may come right behind its answer.
        let former = followers.updateValue(Follower(number: number, continuation: continuation), forKey: source)
        former?.continuation.finish()
        continuation.onTermination = { [weak self] _ in
            Task { await self?.forget(number, source) }
        }
        do {
            _ = try await call(
                .attach,
                [
                    "id": .string(source.id), "process": .string(source.process), "from": start.value,
                    "credit": .int(OutputPiece.window),
                ], timeout: WorkerClient.patience)
        } catch {
            if followers[source]?.number == number { followers[source] = nil }
            throw error
        }
        return stream
    }

    /// Lets the worker send as many bytes more as `piece` had; call it when a piece has been dealt with.
    ///
    /// Small pieces are gathered, so that not every one of them costs a request.
    public func acknowledge(_ piece: OutputPiece) async throws {
        let source = OutputSource(id: piece.id, process: piece.process)
        guard var follower = followers[source] else { return }
        follower.unacknowledged += piece.data.count
        let bytes = follower.unacknowledged
        let isDue = bytes >= OutputPiece.window / 4
        if isDue { follower.unacknowledged = 0 }
        followers[source] = follower
        guard isDue else { return }
        _ = try await call(
            .credit, ["id": .string(source.id), "process": .string(source.process), "bytes": .int(bytes)],
            timeout: WorkerClient.patience)
    }

    /// For requests that any worker answers at once.
    private static let patience = Duration.seconds(10)

    private func forget(_ number: UInt64, _ source: OutputSource) async {
        guard followers[source]?.number == number else { return }
        followers[source] = nil
        _ = try? await call(
            .detach, ["id": .string(source.id), "process": .string(source.process)], timeout: WorkerClient.patience)
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
            finish(id, parts[2].isNull ? .success(parts[3]) : .failure(Failure(parts[2])))
        } else if parts.count == 3, parts[0] == 2, parts[1] == "output", let piece = OutputPiece(parts[2].array?.first)
        {
            let source = OutputSource(id: piece.id, process: piece.process)
            guard let follower = followers[source] else { return }
            follower.continuation.yield(piece)
            guard piece.isEnd else { return }
            followers[source] = nil
            follower.continuation.finish()
        }
    }
}

extension Value {
    fileprivate static func int(_ value: Double) -> Value { .unsigned(UInt64(max(0, value))) }
}
