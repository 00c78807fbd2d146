import Synchronization

/// What is counted of the output of all containers. Threads of the driver count, without a lock.
final class OutputFigures: Sendable {
    private let written = Atomic<UInt64>(0)
    private let lost = Atomic<UInt64>(0)

    /// Bytes that processes have written.
    var bytes: UInt64 { written.load(ordering: .relaxed) }
    /// Bytes that were dropped because a process has written more than is kept.
    var dropped: UInt64 { lost.load(ordering: .relaxed) }

    /// A process has written so much, and so much of its oldest output went for that.
    func wrote(_ bytes: Int, dropped: Int) {
        written.add(UInt64(max(0, bytes)), ordering: .relaxed)
        if dropped > 0 { lost.add(UInt64(dropped), ordering: .relaxed) }
    }
}
