import Synchronization

/// Notices when something that should be heard every now and then falls silent.
final class SilenceWatch: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    /// Something was heard.
    func heard() { last.withLock { $0 = .now } }

    /// Whether anything is heard within `duration`.
    func hasBegun(within duration: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + duration
        while last.withLock({ $0 }) == nil {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(50))
        }
        return true
    }

    /// True when there was silence for `duration`, false when something was heard again.
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
