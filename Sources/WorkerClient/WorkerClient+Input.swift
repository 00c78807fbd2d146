public import ContainerModel
import ContainerProtocol

/// What processes read.
extension WorkerClient {
    /// The standard input of a process.
    /// - Parameter offset: how many bytes it has been given before: 0 for a process that the caller has just started with
    ///   an input of its own. Nil where that is not known, or where others write to it at the same time.
    public nonisolated func input(
        of id: ContainerID, _ process: ProcessName = .initial, from offset: UInt64? = 0
    ) -> ProcessInput {
        ProcessInput(self, ProcessReference(id, process), offset: offset)
    }

    /// Waits for `duration`.
    func rest(_ duration: Duration) async throws(Failure) {
        await withCheckedContinuation { continuation in
            _ = alarm(.input, after: duration) { _ in continuation.resume() }
        }
        if Task.isCancelled { throw WorkerClient.cancelled }
        if isClosed { throw WorkerClient.closed }
    }
}
