import ContainerModel

/// The requests that wait for exits of one container's processes. Pure.
struct ExitWaiters {
    private var waiting: [(process: ProcessName, responder: Responder)] = []

    /// The most requests that wait; the oldest of more is taken out.
    static let limit = 1024

    var isEmpty: Bool { waiting.isEmpty }

    /// One more request waits for the exit of `process`.
    /// - Returns: the oldest request, where there were too many.
    mutating func add(_ process: ProcessName, _ responder: Responder) -> Responder? {
        let oldest = waiting.count >= ExitWaiters.limit ? waiting.removeFirst().responder : nil
        waiting.append((process, responder))
        return oldest
    }

    /// Takes out those that wait for `process`.
    mutating func take(_ process: ProcessName) -> [Responder] {
        guard !waiting.isEmpty else { return [] }
        let taken = waiting.filter { $0.process == process }.map(\.responder)
        waiting.removeAll { $0.process == process }
        return taken
    }

    /// Takes out all.
    mutating func takeAll() -> [(process: ProcessName, responder: Responder)] {
        defer { waiting = [] }
        return waiting
    }

    /// Takes out request `number`.
    /// - Returns: the process whose exit it waited for; nil where it did not wait.
    mutating func remove(_ number: UInt64) -> ProcessName? {
        guard let index = waiting.firstIndex(where: { $0.responder.number == number }) else { return nil }
        return waiting.remove(at: index).process
    }
}
