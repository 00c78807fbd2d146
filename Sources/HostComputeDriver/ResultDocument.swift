/// What HCS adds to a refusal (hcs-reference B.5), as far as it is words. It may hold anything or nothing.
struct ResultDocument: Decodable {
    @Lenient var message: String?
    @Lenient var events: [Lenient<Event>]?

    private enum CodingKeys: String, CodingKey {
        case message = "ErrorMessage"
        case events = "ErrorEvents"
    }

    struct Event: Decodable {
        @Lenient var message: String?

        private enum CodingKeys: String, CodingKey {
            case message = "Message"
        }
    }

    /// Its message, else its first event's.
    var said: String? {
        let words = [message] + (events ?? []).map { $0.wrappedValue?.message }
        return words.lazy.compactMap { $0 }.first { !$0.isEmpty }
    }
}
