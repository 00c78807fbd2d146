import ContainerDriver
import ContainerModel

extension ResultDocument {
    /// What of the events is kept: a reply has to hold it, beside much else. Sizes are bytes of UTF-8.
    enum Limit {
        static let events = 16
        static let message = 1_000
        static let stackTrace = 4_000
        static let name = 200
        /// All texts of all events.
        static let total = 16_000
    }

    /// The events that are not empty, in HCS's order, and the number of those that were dropped. A text that is too
    /// long is cut and ends in an ellipsis.
    var errorEvents: (kept: [ErrorEvent], dropped: Int) {
        let said = (events ?? []).compactMap { $0.wrappedValue?.errorEvent }
        var kept: [ErrorEvent] = []
        var size = 0
        for event in said {
            size += event.size
            guard kept.count < Limit.events, size <= Limit.total else { break }
            kept.append(event)
        }
        return (kept, said.count - kept.count)
    }
}

extension ResultDocument.Event {
    private typealias Limit = ResultDocument.Limit

    /// Nil where it holds nothing. An empty text is one that HCS left out.
    fileprivate var errorEvent: ErrorEvent? {
        func text(_ text: String?, _ limit: Int) -> String? {
            guard let text, !text.isEmpty else { return nil }
            guard text.utf8.count > limit else { return text }
            return String(decoding: Array(text.utf8.prefix(limit)), as: UTF8.self).trimmingBrokenEnd + "…"
        }
        let event = ErrorEvent(
            message: text(message, Limit.message) ?? "", provider: text(provider, Limit.name), eventID: eventID,
            flags: flags, stackTrace: text(stackTrace, Limit.stackTrace), source: text(source, Limit.name))
        return event == ErrorEvent(message: "") ? nil : event
    }
}

extension ErrorEvent {
    fileprivate var size: Int {
        [message, provider, stackTrace, source].reduce(0) { $0 + ($1?.utf8.count ?? 0) }
    }
}

extension String {
    /// Without the replacement character that a cut through a character leaves.
    fileprivate var trimmingBrokenEnd: String { hasSuffix("\u{FFFD}") ? String(dropLast()) : self }
}
