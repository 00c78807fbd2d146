public import ContainerProtocol
import MessagePack
import ZeroMQ

/// What a worker publishes, as it comes.
///
/// Subscribes to topic prefixes at a worker's event endpoint, or at those of several. Publish and subscribe is free to
/// lose what a subscriber is too slow for: an ``EventFeed`` fetches what is missing, of one worker; here it is missing.
public final class EventStream: Sendable {
    private let loop: SocketLoop
    /// The events, in the order they came.
    public let events: AsyncStream<PublishedEvent>
    private let continuation: AsyncStream<PublishedEvent>.Continuation

    /// Subscribes; an empty `topics` asks for everything.
    /// - Parameter capacity: events that are held for a reader that is behind; older ones are given up first.
    public init(_ endpoints: [String], topics: [String] = [""], capacity: Int = 65_536) async throws(Failure) {
        do throws(ZeroMQError) {
            loop = try SocketLoop(context: try Context(), name: "event-stream")
        } catch {
            throw .noSocket(error)
        }
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(capacity))
        let (loop, continuation) = (loop, continuation)
        let result = await withCheckedContinuation { done in
            loop.post {
                done.resume(
                    returning: Result { () throws(Failure) in
                        try EventStream.subscribe(endpoints, topics, on: loop, continuation)
                    })
            }
        }
        try result.get()
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
    ) throws(Failure) {
        let socket: Socket
        do throws(ZeroMQError) {
            socket = try Socket(.subscribe, in: loop.context)
            try socket.set(.linger, 0)
            try socket.configureClient()
            for topic in topics.isEmpty ? [""] : topics { try socket.set(.subscribe, topic) }
        } catch {
            throw .noSocket(error)
        }
        do throws(ZeroMQError) {
            for endpoint in endpoints { try socket.connect(endpoint) }
        } catch {
            throw .badEndpoint(error)
        }
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
