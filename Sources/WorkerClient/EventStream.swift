import ContainerProtocol
public import MessagePack
import ZeroMQ

/// What a worker publishes, as it comes.
///
/// Subscribes to topic prefixes at a worker's event endpoint, or at those of several. Publish and subscribe is free to
/// lose what a subscriber is too slow for: compare ``PublishedEvent/seq`` and fetch what is missing with `events`.
public final class EventStream: Sendable {
    private let loop: SocketLoop
    /// The events, in the order they came.
    public let events: AsyncStream<PublishedEvent>
    private let continuation: AsyncStream<PublishedEvent>.Continuation

    /// Events that are held for a reader that is behind; older ones are given up first.
    private static let capacity = 65_536

    /// Subscribes; an empty `topics` asks for everything.
    public init(_ endpoints: [String], topics: [String] = [""]) async throws {
        let loop = try SocketLoop(context: try Context(), name: "event-stream")
        self.loop = loop
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(EventStream.capacity))
        let continuation = continuation
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            loop.post {
                done.resume(
                    with: Result { try EventStream.subscribe(endpoints, topics, on: loop, continuation) })
            }
        }
    }

    deinit { close() }

    /// Ends the stream.
    public func close() {
        continuation.finish()
        loop.end()
    }

    private static func subscribe(
        _ endpoints: [String], _ topics: [String], on loop: SocketLoop,
        _ continuation: AsyncStream<PublishedEvent>.Continuation
    ) throws {
        let socket = try Socket(.subscribe, in: loop.context)
        try socket.set(.linger, 0)
        try socket.set(.ipv6, true)
        try socket.set(.receiveHighWaterMark, 100_000)
        try socket.set(.heartbeatInterval, 5_000)
        try socket.set(.heartbeatTimeout, 15_000)
        for topic in topics.isEmpty ? [""] : topics { try socket.set(.subscribe, topic) }
        for endpoint in endpoints { try socket.connect(endpoint) }
        let reader = Reader()
        loop.add(socket) {
            for count in 0..<128 {
                guard let frames = try? socket.receiveFrames() else { return count == 0 ? .idle : .busy }
                guard frames.count == 2, let body = try? reader.value(frames[1]) else { continue }
                continuation.yield(PublishedEvent(topic: String(decoding: frames[0], as: UTF8.self), body: body))
            }
            return .busy
        }
    }
}

/// One published message.
public struct PublishedEvent: Sendable {
    /// `<type>/<container id>`; for a `welcome` the subscription's own prefix.
    public let topic: String
    /// The body.
    public let body: Value

    /// What happened.
    public var type: String { body["type"]?.string ?? "" }
    /// The event's number on its host; nil for `welcome` and `heartbeat`.
    public var seq: UInt64? { body["seq"]?.unsigned }
    /// The container.
    public var id: String? { body["id"]?.string }
    /// The host.
    public var host: String { body["host"]?.string ?? "" }
}
