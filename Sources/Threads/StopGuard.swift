import Dispatch

/// Bounds the time of a stop of the program, even if something hangs. Its thread is started in advance, before threads
/// can run out.
public final class StopGuard: Sendable {
    private let begun = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - limit: how long a stop may take; asked when one begins.
    ///   - giveUp: ends the program, and needs nothing that could be lacking.
    /// - Returns: nil where the system has no thread to give.
    public init?(limit: @escaping @Sendable () -> Duration, giveUp: @escaping @Sendable (Duration) -> Void) {
        let isStarted = SystemThread.start("stop-guard") { [begun, ended] in
            begun.wait()
            let limit = limit()
            let milliseconds = Int(clamping: Int64(limit / .milliseconds(1)))
            guard ended.wait(timeout: .now() + .milliseconds(milliseconds)) == .timedOut else { return }
            giveUp(limit)
        }
        guard isStarted else { return nil }
    }

    /// A stop begins; a further one changes nothing.
    public func begin() { begun.signal() }

    /// The stop has ended.
    public func end() {
        ended.signal()
        begun.signal()
    }
}
