import ContainerProtocol
import MessagePack
import Testing
import WorkerClient

/// Endpoints that cannot be connected to are refused in the protocol's own words, by everything that takes one.
struct EndpointTests {
    @Test(arguments: ["garbage", "tcp://127.0.0.1", "ipc://", "nope://x", ""])
    func aBadEndpointIsNamedAndAGoodOneShown(_ endpoint: String) async throws {
        let client = try WorkerClient(endpoint)
        let asked = try await #require(throws: Failure.self) { try await client.call(.ping) }
        let subscribed = try await #require(throws: Failure.self) { try await EventStream([endpoint]) }
        let followed = try await #require(throws: Failure.self) { try await EventFeed(client, endpoint) }
        for failure in [asked, subscribed, followed] {
            #expect(failure.code == .invalidArgument && !failure.retryable, "\(failure)")
            #expect(failure.message.contains("to \(endpoint)") && failure.message.contains("tcp://127.0.0.1:5770"))
        }
        await client.close()
    }
}
