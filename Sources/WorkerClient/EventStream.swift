public import ContainerProtocol
import MessagePack
import Synchronization
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
    private let failureBox = Mutex<Failure?>(nil)

    /// Why the stream has ended by itself: the worker does not let this client subscribe.
    public var failure: Failure? { failureBox.withLock { $0 } }

    /// Subscribes; an empty `topics` asks for everything.
    /// - Parameters:
    ///   - capacity: events that are held for a reader that is behind; older ones are given up first.
    ///   - credentials: for workers on other hosts.
    public init(
        _ endpoints: [String], topics: [String] = [""], capacity: Int = 65_536, credentials: Credentials? = nil
    ) async throws(Failure) {
        do throws(ZeroMQError) {
            loop = try SocketLoop(context: try Context(), name: "event-stream")
        } catch {
            throw .noSocket(error)
        }
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(capacity))
        let (loop, continuation) = (loop, continuation)
        let result = await withCheckedContinuation { done in
            loop.post { [weak self] in
                let subscription = EventSubscription(
                    endpoints, topics: topics, credentials, on: loop, deliver: { continuation.yield($0) },
                    refuse: { failure in
                        self?.failureBox.withLock { $0 = failure }
                        continuation.finish()
                    })
                done.resume(returning: Result { () throws(Failure) in try subscription.begin() })
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
}
