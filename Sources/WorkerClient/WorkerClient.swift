public import ContainerProtocol
public import MessagePack
import ZeroMQ

/// A client of one worker: sends requests, repeats them until they are answered, and follows output.
///
/// Any number of calls may be under way at a time; each waits for its own reply. The client owns its socket and runs on
/// a socket loop of its own. It ends when ``close()`` is called or with its last reference.
///
/// A call outlives the connection: when it breaks, the client connects again and sends the unanswered requests in their
/// order. A request that changes something carries the same `request_id` in every try, so the worker runs it once.
public actor WorkerClient {
    /// The client's socket loop.
    public nonisolated let unownedExecutor: UnownedSerialExecutor
    /// The worker's command endpoint.
    public nonisolated let endpoint: String
    /// Yields true when the connection is established, and false when an established connection has broken.
    public nonisolated let connectionChanges: AsyncStream<Bool>
    let connectionAnnouncer: AsyncStream<Bool>.Continuation
    let loop: SocketLoop
    let time: any Timekeeper
    var isClosed = false
    let reader = Reader()
    let writer = Writer()
    var message = Message()

    var connection: Connection?
    /// The pause before the next connection.
    var reconnection: Alarm?
    /// Connections in a row that broke without an answer on them.
    var losses = 0
    /// Handshakes in a row that failed or were refused.
    var handshakeFailures = 0
    /// For a worker on another host.
    let credentials: Credentials?

    private var lastNumber: UInt64 = 0
    /// By the msgid, which all tries of a call share: the first reply to any of them completes the call.
    var calls: [UInt32: PendingCall] = [:]
    /// Calls of `stdin`, in the order of their bytes; only the first is under way.
    var inputs: [ProcessReference: [UInt32]] = [:]
    var followers: [ProcessReference: OutputFollower] = [:]
    var lastFollower: UInt64 = 0

    /// A socket, its monitor, and whether it is connected.
    struct Connection {
        let socket: Socket
        let watch: ConnectionMonitor
        var stands = false
        /// Whether the other side has accepted it.
        var isAccepted = false
    }

    /// Prepares a client of the worker at `endpoint`. It connects when the worker is there, and again when it comes
    /// back.
    /// - Parameter credentials: for a worker on another host; the connection is encrypted then.
    public init(_ endpoint: String, credentials: Credentials? = nil) throws(Failure) {
        try self.init(endpoint, credentials: credentials, time: SystemTimekeeper())
    }

    init(_ endpoint: String, credentials: Credentials? = nil, time: any Timekeeper) throws(Failure) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.time = time
        (connectionChanges, connectionAnnouncer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        do throws(ZeroMQError) {
            loop = try SocketLoop(context: try Context(), name: "worker-client")
        } catch {
            throw .noSocket(error)
        }
        unownedExecutor = loop.asUnownedSerialExecutor()
    }

    deinit {
        connectionAnnouncer.finish()
        for follower in followers.values { follower.continuation.finish(throwing: WorkerClient.closed) }
        loop.end()
    }

    /// Whether the worker closes connections during the handshake.
    public var isTurnedAway: Bool { handshakeFailures > 0 }

    /// Whether something accepts connections and does not answer.
    public var isSilent: Bool { connection?.isAccepted == true && !isTurnedAway }

    /// Ends every call that is under way, and the connection; later calls fail.
    public func close() {
        isClosed = true
        reconnection?.cancel()
        disconnect()
        connectionAnnouncer.finish()
        let closed = WorkerClient.closed
        for id in calls.keys { finish(id, .failure(closed)) }
        for follower in followers.values { follower.continuation.finish(throwing: closed) }
        followers = [:]
    }

    static let closed = Failure(.cancelled, "the client was closed")
    /// For a call whose task was cancelled.
    static let cancelled = Failure(.cancelled, "interrupted")

    // MARK: Calls

    /// Calls a method, and repeats the call until it is answered.
    ///
    /// A call is repeated when the connection broke, when the worker does not answer, and when it answers with a
    /// failure that is `retryable`: after pauses of 100 ms to 30 s with jitter, or after the worker's `retry_after_ms`,
    /// and never beyond the deadline. Calls that meet no failure are sent in the order in which they were made. Bytes
    /// for the standard input of one process are sent one call at a time.
    /// - Parameters:
    ///   - parameters: the request's one map. A request that changes something gets a random `request_id` if it has
    ///     none.
    ///   - timeout: the longest wait over all tries; each try sends the rest of it as `timeout_ms`. If it is nil, the
    ///     method's own: `MethodTraits/patience`.
    ///   - repeats: false makes one try and returns its result: for callers that retry themselves.
    /// - Returns: the result.
    /// - Throws: the worker's failure, at once where it is not retryable; `unavailable` where no answer came; `cancelled`
    ///   where the task was cancelled or the client closed.
    public func call(
        _ method: Method, _ parameters: Value = [:], timeout: Duration? = nil, repeats: Bool = true
    ) async throws(Failure) -> Value {
        try await perform(
            method, parameters.map ?? [:], timeout: timeout ?? method.traits.patience, repeats: repeats)
    }

    /// Calls a method; waits without limit if `timeout` is nil.
    func perform(
        _ method: Method, _ parameters: Value.Map, timeout: Duration?, repeats: Bool = true
    ) async throws(Failure) -> Value {
        if isClosed { throw WorkerClient.closed }
        try connectIfNeeded()
        var parameters = parameters
        if method.needsRequestID(parameters) {
            parameters["request_id"] = .string(WorkerClient.randomID())
        }
        let (id, number) = nextID()
        let timeout = timeout.map { min(max($0, .zero), WorkerClient.longestTimeout) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                var call = PendingCall(
                    method: method, parameters: parameters, continuation: continuation, number: number,
                    deadline: timeout.map { time.now.advanced(by: $0) },
                    isSingle: !repeats || method.endsWithConnection)
                call.end = timeout.map { alarm(.deadline, after: $0) { $0.expire(id) } }
                if let input = call.inputOf { inputs[input, default: []].append(id) }
                calls[id] = call
                send(id)
            }
        } onCancel: {
            Task { await self.finish(id, .failure(WorkerClient.cancelled)) }
        }
        return try result.get()
    }

    /// The longest timeout that the protocol allows.
    static let longestTimeout = Duration.milliseconds(Int64(Bounds.milliseconds.upperBound))

    /// A msgid that no pending call has. 0 is left out: replies to bodies that could not be decoded carry it.
    private func nextID() -> (id: UInt32, number: UInt64) {
        repeat {
            lastNumber &+= 1
            let id = UInt32(truncatingIfNeeded: lastNumber)
            if id != 0, calls[id] == nil { return (id, lastNumber) }
        } while true
    }

    /// 128 random bits as hexadecimal digits.
    static func randomID() -> String {
        (0..<2).map { _ in
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    func alarm(
        _ purpose: Alarm.Purpose, after duration: Duration,
        _ work: @escaping @Sendable (isolated WorkerClient) -> Void
    ) -> Alarm {
        time.schedule(purpose, after: duration, on: loop) { [weak self] in self?.assumeIsolated { work($0) } }
    }
}
