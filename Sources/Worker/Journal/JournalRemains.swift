/// What a worker left beside its journal when it died, and whether that is all that it had committed.
///
/// SQLite takes whatever it finds for complete. So the files are checked before SQLite opens the journal.
struct JournalRemains: Sendable {
    /// What is wrong.
    enum Finding: Sendable, Equatable {
        /// Something that was committed is gone or damaged. The text names it, as the end of a sentence.
        case lost(String)
        /// Something may be gone; a loss of power explains it.
        case doubtful(String)
    }

    var log: WriteAheadLog
    /// Nil if there is no valid index.
    var index: WriteAheadIndex?
    /// Nil if the previous worker closed the journal.
    var mark: JournalMark?
    /// The id of the machine's present boot.
    var boot: String?

    /// What is wrong with it; nil where nothing is.
    var finding: Finding? {
        switch log.standing {
        case .damaged(let frame):
            let what = frame == 0 ? "its beginning" : "frame \(frame)"
            let text = "\(what) of its write-ahead log is damaged, and whole ones follow"
            return hasRestarted ? .doubtful(text) : .lost(text)
        case .torn, .whole:
            if let missing = missingFrames {
                let text = "its write-ahead log has lost the last \(missing) pages that were committed"
                return hasSameBoot ? .lost(text) : .doubtful(text)
            }
            guard case .torn(let frame) = log.standing else { return nil }
            return index == nil ? .doubtful("frame \(frame) of its write-ahead log, the last, is not whole") : nil
        }
    }

    /// How many frames were committed, as the index says, and are not there; nil where none is missing.
    private var missingFrames: Int? {
        guard let index, index.committedFrames > 0 else { return nil }
        let found = log.salt.map(Array.init) == index.salt ? log.committedFrames : 0
        return found < index.committedFrames ? index.committedFrames - found : nil
    }

    /// Whether the machine has restarted since: after a loss of power the log may have holes, and the index may be
    /// ahead of it.
    private var hasRestarted: Bool { mark?.boot != nil && boot != nil && mark?.boot != boot }
    private var hasSameBoot: Bool { mark?.boot != nil && mark?.boot == boot }

    /// What is wrong with a journal that says that it was started `epoch` times, and that has no log.
    func finding(epochWithoutLog epoch: UInt64) -> Finding? {
        guard let mark else { return nil }
        return epoch < mark.epoch
            ? .lost("its write-ahead log is gone, and with it what was committed last")
            : .doubtful(
                "its write-ahead log is gone; where no other program has opened the journal, so is what it held")
    }
}
