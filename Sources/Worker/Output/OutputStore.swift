import ContainerModel
import Dispatch
import Foundation
import Logging
import MessagePack
import Synchronization

/// Keeps the output of a host's processes beyond the worker's life, and brings files up to date that could not be
/// written for a while.
///
/// A spool whose file is behind is served from memory. It is tried again every second until its file has everything.
final class OutputStore: Sendable {
    private let folder: SpoolFolder

    private struct Behind {
        weak var spool: OutputSpool?
        var reason: String
    }

    private struct State {
        /// The spool that was tried last is the last one.
        var behind: [Behind] = []
        var isScheduled = false
    }

    private let state = Mutex(State())
    /// Files are brought up to date here, one after another.
    private let queue = DispatchQueue(label: "output-store", qos: .utility)
    private let logger: Logger
    private static let patience = DispatchTimeInterval.seconds(1)

    init(stateDirectory: String, logger: Logger) {
        folder = SpoolFolder(stateDirectory: stateDirectory)
        self.logger = logger
        folder.tighten()
    }

    /// The file of the `number`th process that was started in a container.
    func file(_ number: Int, _ process: ProcessName, of record: ContainerRecord, limit: Int) -> SpoolFile {
        SpoolFile(path: folder.file(number, process, of: record), limit: limit, store: self)
    }

    /// Removes the output of a container.
    func remove(of record: ContainerRecord) { folder.remove(of: record) }

    /// Removes all output but that of these containers.
    func remove(besides owners: [(id: ContainerID, createdAt: Timestamp)]) { folder.removeAll(besides: owners) }

    /// Why output is in memory only; nil where all of it is kept.
    var trouble: String? {
        state.withLock { state in
            let behind = state.behind.filter { $0.spool != nil }
            guard let reason = behind.last?.reason else { return nil }
            let whose = behind.count == 1 ? "of one process" : "of \(behind.count) processes"
            return "the output \(whose) is in memory only, and is lost where the worker ends now: \(reason)"
        }
    }

    // MARK: What spools report

    /// The file of `spool` has not everything any more.
    func fellBehind(_ spool: OutputSpool, _ reason: String) {
        let isFirst = state.withLock { state in
            state.behind.append(Behind(spool: spool, reason: reason))
            return state.behind.count == 1
        }
        if isFirst {
            logger.error(
                "output cannot be kept: it is in memory only until it can", metadata: ["error": "\(reason)"])
        }
        schedule()
    }

    /// A file had damaged records.
    func foundDamage(_ path: String, lost: UInt64) {
        logger.error(
            "a file of output was damaged: what is lost counts as dropped",
            metadata: ["file": "\(path)", "bytes": "\(lost)"])
    }

    // MARK: Trying again

    /// Tries now to bring every file up to date, and waits for that.
    func catchUp() { queue.sync { round() } }

    private func schedule() {
        let isNew = state.withLock { state in
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        guard isNew else { return }
        queue.asyncAfter(deadline: .now() + OutputStore.patience) { [weak self] in
            guard let self else { return }
            state.withLock { $0.isScheduled = false }
            round()
            if state.withLock({ !$0.behind.isEmpty }) { schedule() }
        }
    }

    /// Tries one spool after another up to the first that fails: what hinders one most often hinders all.
    private func round() {
        guard state.withLock({ !$0.behind.isEmpty }) else { return }
        while let next = state.withLock({ $0.behind.first }) {
            let reason = next.spool?.catchUp()
            state.withLock { state in
                state.behind.removeFirst()
                if let reason { state.behind.append(Behind(spool: next.spool, reason: reason)) }
            }
            if reason != nil { return }
        }
        logger.notice("all output is kept again")
    }
}
