/// What is counted of a journal's commits. Plain integers, on the loop only.
struct JournalFigures: Sendable {
    /// How long the commits took, one for each transaction.
    var commits = Histogram(.turns)
    /// Commits that failed, each attempt.
    var failures: UInt64 = 0
}
