public import ContainerProtocol
public import MessagePack
import ZeroMQ

/// Speaks to one worker: sends requests, repeats them until they are answered, and follows output.
///
/// Any number of calls may be under way at a time; each waits for its own reply. The client owns its socket and runs on
/// a socket loop of its own. It ends when ``close()`` is called or when nobody holds it.
///
/// A call outlives the connection: when it breaks, the client connects again and sends what has no answer, in its order.
/// What changes something carries a `request_id`, the same in every try, so that the worker runs it once.
public actor WorkerClient {
    /// The client's socket loop.
    public nonisolated let unownedExecutor: UnownedSerialExecutor
    /// The worker's command endpoint.
    public nonisolated let endpoint: String
    /// Whether the connection stands, whenever that changes; false first where a connection that stood broke.
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
    /// By the msgid, which every try of a call has: whichever try is answered first answers the call.
    var calls: [UInt32: PendingCall] = [:]
    /// Calls of `stdin`, in the order in which their bytes are to arrive; only the first is under way.
    var inputs: [ProcessReference: [UInt32]] = [:]
    var followers: [ProcessReference: OutputFollower] = [:]
    var lastFollower: UInt64 = 0

    /// A socket, who watches it, and whether it is connected.
    struct Connection {
        let socket: Socket
        let watch: ConnectionMonitor
        var stands = false
    }

    /// Prepares to speak to the worker at `endpoint`; the client connects when the worker is there, and again when it
    /// comes back.
    /// - Parameter credentials: for a worker on another host; what this client sends is encrypted then.
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

    /// Whether connections to the worker are closed before they stand.
    public var isTurnedAway: Bool { handshakeFailures > 0 }

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

    // MARK: Calls

    /// Calls a method, as often as it takes.
    ///
    /// A call is repeated when the connection broke, when the worker does not answer, and when it answers with a failure
    /// that is `retryable`: after pauses of 100 ms to 30 s with jitter, or after the worker's `retry_after_ms`, and never
    /// beyond the deadline. Calls that meet no failure are sent in the order of their making. Bytes for the standard
    /// input of one process are sent one call at a time.
    /// - Parameters:
    ///   - parameters: the request's one map. Without a `request_id` of the caller's, what changes something gets a
    ///     random one.
    ///   - timeout: the longest wait over all tries; each tells the worker what is left of it as `timeout_ms`. Where it
    ///     is nil, the method's own: `MethodTraits/patience`.
    ///   - repeats: false makes one try, and tells whatever becomes of it: for who decides on repetition himself.
    /// - Returns: the result.
    /// - Throws: `Failure`: the worker's own, at once where it is not retryable; `unavailable` where no answer came.
    public func call(
        _ method: Method, _ parameters: Value = [:], timeout: Duration? = nil, repeats: Bool = true
    ) async throws -> Value {
        try await perform(
            method, parameters.map ?? [:], timeout: timeout ?? method.traits.patience, repeats: repeats)
    }

    /// Calls a method; for ever where `timeout` is nil.
    func perform(
        _ method: Method, _ parameters: Value.Map, timeout: Duration?, repeats: Bool = true
    ) async throws -> Value {
        if isClosed { throw WorkerClient.closed }
        try connectIfNeeded()
        var parameters = parameters
        if method.needsRequestID(parameters) {
            parameters["request_id"] = .string(WorkerClient.randomID())
        }
        let (id, number) = nextID()
        let timeout = timeout.map { min(max($0, .zero), WorkerClient.longestTimeout) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
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
            Task { await self.finish(id, .failure(CancellationError())) }
        }
    }

    /// The longest that the protocol knows.
    static let longestTimeout = Duration.milliseconds(Int64(Bounds.milliseconds.upperBound))

    /// A msgid that no other call has and that none has had for very long; 0 is for bodies that could not be read.
    private func nextID() -> (id: UInt32, number: UInt64) {
        repeat {
            lastNumber &+= 1
            let id = UInt32(truncatingIfNeeded: lastNumber)
            if id != 0, calls[id] == nil { return (id, lastNumber) }
        } while true
    }

    /// 128 bits: two are never the same.
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
