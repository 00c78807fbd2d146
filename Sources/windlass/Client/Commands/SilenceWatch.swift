import Synchronization

/// Detects that messages which should come regularly, such as heartbeats, no longer come.
final class SilenceWatch: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    /// A message has come.
    func heard() { last.withLock { $0 = .now } }

    /// Whether a first message comes within `duration`.
    func hasBegun(within duration: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + duration
        while last.withLock({ $0 }) == nil {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(50))
        }
        return true
    }

    /// Yields true when no message has come for `duration`, and false when one has come again.
    func changes(after duration: Duration) -> AsyncStream<Bool> {
        AsyncStream { continuation in
            let task = Task {
                var isSilent = false
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(250))
                    guard let last = last.withLock({ $0 }) else { continue }
                    let isSilentNow = ContinuousClock.now - last >= duration
                    if isSilentNow != isSilent { continuation.yield(isSilentNow) }
                    isSilent = isSilentNow
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}
