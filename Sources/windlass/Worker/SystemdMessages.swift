import Worker

/// What systemd is notified of, and when. Pure.
struct SystemdMessages {
    /// Whether signs of life are expected.
    let isWatched: Bool
    private var status: (text: String, at: ContinuousClock.Instant)?

    /// A status is sent no more often than this.
    static let pause = Duration.seconds(10)

    init(isWatched: Bool) { self.isWatched = isWatched }

    /// The message of a sign of life; nil where there is nothing to say.
    mutating func alive(_ status: WorkerStatus, at now: ContinuousClock.Instant) -> String? {
        var lines = isWatched ? ["WATCHDOG=1"] : []
        let text = "STATUS=\(status.running) running, \(status.stuck) stuck"
        if self.status.map({ $0.text != text && now - $0.at >= SystemdMessages.pause }) ?? true {
            self.status = (text, now)
            lines.append(text)
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    /// The message of a stop that may take so long: longer than the unit's own limit, where the settings say so.
    static func stopping(within limit: Duration) -> String {
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=\(Int64((limit / .microseconds(1)).rounded(.up)))"
    }
}
