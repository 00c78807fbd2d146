import ContainerModel
import ContainerProtocol
import MessagePack

/// Events that have happened, from the worker's log.
struct EventHistory: Sendable {
    let session: Session

    /// Passes the events after `last` to `body` until it returns false, and moves `last` to the newest. Events that are
    /// no longer kept are reported by their numbers.
    func replay(after last: inout UInt64, _ body: (Value) throws -> Bool) async throws {
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
                guard try body(event) else { return }
                last = max(last, event["seq"]?.unsigned ?? last)
            }
        }
    }

    /// The number of the last event before `time`; 0 where no event that is kept is older.
    ///
    /// The numbers are searched by halves. A clock that was set back makes it a number near the right one.
    func last(before time: Timestamp) async throws -> UInt64 {
        guard var (low, high) = try await bounds() else { return 0 }
        while low < high {
            let middle = low + (high - low) / 2
            let page = try await session.call(.events, ["after": .unsigned(middle), "limit": 1])
            guard let event = page["events"]?.array?.first, let at = event["time"]?.timestamp else {
                high = middle
                continue
            }
            if at < time { low = min(high, max(middle + 1, event["seq"]?.unsigned ?? 0)) } else { high = middle }
        }
        return low
    }

    /// The number before the oldest event that is kept, and the newest number; nil where there are none.
    private func bounds() async throws -> (low: UInt64, high: UInt64)? {
        var low: UInt64 = 0
        while true {
            do {
                let page = try await session.call(.events, ["after": .unsigned(low), "limit": 1])
                guard let high = page["last_seq"]?.unsigned, high > low else { return nil }
                return (low, high)
            } catch let failure as Failure where failure.code == .dataLoss {
                guard let oldest = failure.details["oldest_seq"]?.unsigned, oldest > low + 1 else { throw failure }
                low = oldest - 1
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
