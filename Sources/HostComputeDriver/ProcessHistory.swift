import ContainerDriver
import ContainerModel

/// The processes that were created in a compute system, those that have exited included, where its service knows them.
struct ProcessHistory: Sendable {
    /// The oldest first.
    let processes: [ProcessSummary]
    /// The list is complete for processes created since then.
    let since: Timestamp

    /// Nil if the service does not report since when its list is complete.
    init?(_ created: CreatedProcesses) {
        guard let since = PropertyDocuments.time(created.since) else { return nil }
        self.since = since
        processes = PropertyDocuments.processes(created.processes ?? []).oldestFirst
    }

    /// Whether a process that is missing from ``processes`` was never created.
    func lacks(_ known: KnownProcess) -> Bool {
        if known.name == .initial { return processes.isEmpty }
        guard let start = known.startedAt else { return false }
        return since <= start
    }
}

extension [ProcessSummary] {
    /// In the order of their creation.
    var oldestFirst: [ProcessSummary] {
        sorted { ($0.createdAt ?? .epoch) < ($1.createdAt ?? .epoch) }
    }
}
