import Foundation
import Synchronization

/// Where the worker can be made to die at once, for tests of what it remembers.
public enum CrashPoint: String, Sendable, CaseIterable {
    /// An intent is kept; the driver has not been called.
    case intent
    /// The driver has been called; the result is not known.
    case call
    /// The result is known and not kept.
    case settle
    /// A transaction is about to be written.
    case commit
    /// It is kept; no event of it has been published.
    case publish
    /// Its events have been published; no reply has been sent.
    case reply
}

/// A death that is to come: at one point, when it has been reached so many times.
public final class CrashPlan: Sendable {
    private let point: CrashPoint
    private let left: Mutex<Int>

    /// The worker ends when it reaches `point` for the time `count`.
    public init(_ point: CrashPoint, count: Int) {
        self.point = point
        left = Mutex(count)
    }

    /// Reads `point:count`; nil where `text` is not of that form.
    public convenience init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let point = CrashPoint(rawValue: String(parts[0])), let count = Int(parts[1]), count > 0
        else { return nil }
        self.init(point, count: count)
    }

    func reach(_ point: CrashPoint) {
        guard point == self.point else { return }
        let dies = left.withLock { left in
            left -= 1
            return left == 0
        }
        // As abrupt as a kill: no handler runs, nothing is flushed.
        if dies { _exit(137) }
    }
}
