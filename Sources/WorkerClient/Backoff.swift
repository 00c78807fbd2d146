/// How long to pause before a try: longer with each one that failed, and never the same for two clients.
enum Backoff {
    /// The longest pause after the first failure.
    static let first = Duration.milliseconds(100)
    /// The longest pause of all.
    static let longest = Duration.seconds(30)

    /// The pause after `failures` failures in a row.
    ///
    /// "Full jitter": anything up to a bound that doubles, so that the clients of a worker that comes back do not all
    /// come at once.
    /// - Parameter chance: from 0 to 1.
    static func pause(after failures: Int, chance: Double) -> Duration { bound(failures) * min(max(chance, 0), 1) }

    static func bound(_ failures: Int) -> Duration { min(longest, first * (1 << min(max(failures - 1, 0), 16))) }
}
