import Synchronization
import ZeroMQ

@testable import WorkerClient

/// A clock that a test moves, and chance that it decides: nothing in a test depends on how long something takes.
final class ManualTime: Timekeeper {
    private struct Due {
        let at: ContinuousClock.Instant
        let loop: SocketLoop
        let work: @Sendable () -> Void
    }

    private struct State {
        var now = ContinuousClock.Instant.now
        var lastNumber: UInt64 = 0
        var due: [UInt64: Due] = [:]
        /// Alarms that were set and that no test has asked for.
        var set: [(purpose: Alarm.Purpose, duration: Duration)] = []
        var waiters: [(purpose: Alarm.Purpose, continuation: CheckedContinuation<Duration, Never>)] = []
    }

    private let state = Mutex(State())
    private let certain: Double

    /// A clock whose chance is always `chance`.
    init(chance: Double = 1) { certain = chance }

    var now: ContinuousClock.Instant { state.withLock { $0.now } }

    func chance() -> Double { certain }

    func schedule(
        _ purpose: Alarm.Purpose, after duration: Duration, on loop: SocketLoop, _ work: @escaping @Sendable () -> Void
    ) -> Alarm {
        let number = state.withLock { state in
            state.lastNumber += 1
            state.due[state.lastNumber] = Due(at: state.now.advanced(by: duration), loop: loop, work: work)
            if let index = state.waiters.firstIndex(where: { $0.purpose == purpose }) {
                state.waiters.remove(at: index).continuation.resume(returning: duration)
            } else {
                state.set.append((purpose, duration))
            }
            return state.lastNumber
        }
        return Alarm { [self] in state.withLock { $0.due[number] = nil } }
    }

    /// Waits until an alarm for `purpose` is set; each is told once.
    func next(_ purpose: Alarm.Purpose) async -> Duration {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if let index = state.set.firstIndex(where: { $0.purpose == purpose }) {
                    continuation.resume(returning: state.set.remove(at: index).duration)
                } else {
                    state.waiters.append((purpose, continuation))
                }
            }
        }
    }

    /// Lets `duration` pass.
    func advance(by duration: Duration) {
        let fired = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let fired = state.due.filter { $0.value.at <= state.now }
            for number in fired.keys { state.due[number] = nil }
            return fired.sorted { ($0.value.at, $0.key) < ($1.value.at, $1.key) }.map(\.value)
        }
        for due in fired { due.loop.post(due.work) }
    }

    /// Waits for an alarm, and lets it ring.
    @discardableResult
    func pass(_ purpose: Alarm.Purpose) async -> Duration {
        let duration = await next(purpose)
        advance(by: duration)
        return duration
    }
}
