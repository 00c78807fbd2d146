import ContainerProtocol
import MessagePack

/// Events that have happened, from the worker's log.
struct EventHistory: Sendable {
    let session: Session

    /// Passes the events after `last` to `body`, and moves `last` to the newest. Events that are no longer kept are
    /// reported by their numbers.
    func replay(after last: inout UInt64, _ body: (Value) throws -> Void) async throws {
        while true {
            let page: Value
            do {
                page = try await session.call(.events, ["after": .unsigned(last)])
            } catch let failure as Failure where failure.code == .dataLoss {
                guard let oldest = failure.details["oldest_seq"]?.unsigned, last < oldest, last + 1 < oldest else {
                    throw failure
                }
                session.console.note(EventHistory.remark(onMissing: last + 1...oldest - 1))
                last = oldest - 1
                continue
            }
            let events = page["events"]?.array ?? []
            guard !events.isEmpty else { return }
            for event in events {
                try body(event)
                last = max(last, event["seq"]?.unsigned ?? last)
            }
        }
    }

    /// The message about events that the worker no longer keeps.
    static func remark(onMissing events: ClosedRange<UInt64>) -> String {
        events.count == 1
            ? "event \(events.lowerBound) is not kept any more"
            : "events \(events.lowerBound) to \(events.upperBound) are not kept any more"
    }
}
