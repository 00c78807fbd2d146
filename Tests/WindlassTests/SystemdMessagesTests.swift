import Testing
import Worker

@testable import windlass

/// What systemd is notified of.
struct SystemdMessagesTests {
    private let start = ContinuousClock.now

    /// Messages that an expectation may ask for.
    private final class Messages {
        private var messages: SystemdMessages
        init(isWatched: Bool) { messages = SystemdMessages(isWatched: isWatched) }
        func alive(_ status: WorkerStatus, at now: ContinuousClock.Instant) -> String? {
            messages.alive(status, at: now)
        }
    }

    @Test func aStatusIsSentEveryTenSecondsAtMost() {
        let messages = Messages(isWatched: true)
        #expect(
            messages.alive(WorkerStatus(running: 1, stuck: 0), at: start) == "WATCHDOG=1\nSTATUS=1 running, 0 stuck")
        #expect(messages.alive(WorkerStatus(running: 2, stuck: 0), at: start + .seconds(9)) == "WATCHDOG=1")
        #expect(
            messages.alive(WorkerStatus(running: 2, stuck: 1), at: start + .seconds(10))
                == "WATCHDOG=1\nSTATUS=2 running, 1 stuck")
        #expect(messages.alive(WorkerStatus(running: 2, stuck: 1), at: start + .seconds(30)) == "WATCHDOG=1")
    }

    @Test func withoutAWatchdogOnlyNewsAreSent() {
        let messages = Messages(isWatched: false)
        #expect(messages.alive(WorkerStatus(running: 0, stuck: 0), at: start) == "STATUS=0 running, 0 stuck")
        #expect(messages.alive(WorkerStatus(running: 0, stuck: 0), at: start + .seconds(60)) == nil)
    }

    @Test func aLongStopIsAnnounced() {
        #expect(SystemdMessages.stopping(within: .seconds(21)) == "STOPPING=1\nEXTEND_TIMEOUT_USEC=21000000")
    }
}
