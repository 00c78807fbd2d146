import ContainerDriver
import ContainerModel

/// What HCS adds to a refusal (HostComputeService B.5), as far as it is words. It may hold anything or nothing.
struct ResultDocument: Decodable {
    @Lenient var message: String?
    @Lenient var events: [Lenient<Event>]?

    private enum CodingKeys: String, CodingKey {
        case message = "ErrorMessage"
        case events = "ErrorEvents"
    }

    /// An event; its `Data`, which fills the places of a message in the provider's own catalogue, is left aside as by
    /// HCS's other clients.
    struct Event: Decodable {
        @Lenient var message: String?
        @Lenient var provider: String?
        @Lenient var eventID: UInt32?
        @Lenient var flags: UInt32?
        @Lenient var stackTrace: String?
        @Lenient var source: String?

        private enum CodingKeys: String, CodingKey {
            case message = "Message"
            case provider = "Provider"
            case eventID = "EventId"
            case flags = "Flags"
            case stackTrace = "StackTrace"
            case source = "Source"
        }
    }

    /// Its message, else its first event's.
    var said: String? {
        let words = [message] + (events ?? []).map { $0.wrappedValue?.message }
        return words.lazy.compactMap { $0 }.first { !$0.isEmpty }
    }
}
