import ContainerModel
import Dispatch
import GRDB
import MessagePack
import Synchronization
import Threads

/// Commits entries, one transaction after another, on a thread of its own.
final class JournalWriter: Sendable {
    /// An entry, and the callback for its outcome.
    struct Group: Sendable {
        var entry: JournalEntry
        /// Called once when the entry is kept, and before that for each commit that failed.
        var outcome: @Sendable (Outcome) -> Void
    }

    /// What became of an entry.
    enum Outcome: Sendable {
        ///
        /// - Parameter commit: how long its transaction took; nil where another entry of the same one says so.
        case kept(last: UInt64, oldest: UInt64, commit: Duration?)
        /// It will be tried again.
        case failed(String)
    }

    private struct State {
        var waiting: [Group] = []
        var isWriting = false
        var sinceTrim = 0
        var oldest: UInt64
    }

    private let state: Mutex<State>
    private let thread: WorkThread
    /// Never signalled: what a commit that failed waits at.
    private let pause = DispatchSemaphore(value: 0)
    private let idle = DispatchGroup()
    private let database: DatabasePool
    private let retention: EventRetention
    private let crashPlan: CrashPlan?

    /// Events are trimmed after this many have come.
    private let trimInterval: Int
    /// A commit that failed is tried again after this.
    private static let patience = DispatchTimeInterval.milliseconds(200)

    init(
        database: DatabasePool, retention: EventRetention, oldest: UInt64, crashPlan: CrashPlan?, thread: WorkThread
    ) {
        self.thread = thread
        self.database = database
        self.retention = retention
        self.crashPlan = crashPlan
        state = Mutex(State(oldest: oldest))
        trimInterval = min(5000, max(1, retention.count / 10))
    }

    /// Writes an entry after those that came before it, in one transaction with all that wait.
    func write(_ group: Group) {
        let mustBegin = state.withLock { state in
            state.waiting.append(group)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        guard mustBegin else { return }
        idle.enter()
        thread.run { self.commitWaiting() }
    }

    /// Waits until everything is kept.
    /// - Returns: false where that took too long.
    func finish(within duration: DispatchTimeInterval) -> Bool { idle.wait(timeout: .now() + duration) == .success }

    private func commitWaiting() {
        while true {
            let groups = state.withLock { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isWriting = false }
                return state.waiting
            }
            guard let first = groups.first else { return idle.leave() }
            do {
                crashPlan?.reach(.commit)
                let began = ContinuousClock.now
                let oldest = try commit(groups)
                var duration: Duration? = .now - began
                for group in groups {
                    let last = group.entry.events.last?.seq ?? 0
                    group.outcome(.kept(last: last, oldest: oldest, commit: duration))
                    duration = nil
                }
            } catch {
                first.outcome(.failed((error as? DatabaseError)?.message ?? "\(error)"))
                state.withLock { $0.waiting = groups + $0.waiting }
                _ = pause.wait(timeout: .now() + JournalWriter.patience)
            }
        }
    }

    /// - Returns: the number of the oldest event that is left.
    private func commit(_ groups: [Group]) throws -> UInt64 {
        let count = groups.reduce(0) { $0 + $1.entry.events.count }
        let mustTrim = state.withLock { state in
            state.sinceTrim += count
            return state.sinceTrim >= trimInterval
        }
        let trimmed = try database.write { db -> (oldest: UInt64, isDone: Bool)? in
            for group in groups { try JournalTables.write(group.entry, db) }
            guard mustTrim else { return nil }
            return try JournalTables.trim(retention, now: Timestamp.now.seconds, db)
        }
        return state.withLock { state in
            if let trimmed {
                // What is left of a long trim goes with the next commit.
                if trimmed.isDone { state.sinceTrim = 0 }
                state.oldest = trimmed.oldest
            }
            return state.oldest
        }
    }
}
