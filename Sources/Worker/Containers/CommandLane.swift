import ContainerModel
import ContainerProtocol
import DequeModule
import MessagePack

/// The mutating commands of one container: those that wait, first in first out, and the one under way. Pure.
struct CommandLane {
    private var waiting = Deque<QueuedCommand>()
    /// The command under way.
    private(set) var current: QueuedCommand?
    /// When the command under way was begun, or the last one was; nil where none was.
    private(set) var begunAt: Timestamp?
    /// Why the command under way failed, once that is known. The first reason stays.
    private(set) var failure: Failure?

    /// How many commands wait.
    var waitingCount: Int { waiting.count }

    /// How many commands wait or are under way.
    var depth: Int { waiting.count + (current == nil ? 0 : 1) }

    /// Puts a command at the end.
    /// - Returns: false where `limit` commands wait.
    mutating func append(_ command: QueuedCommand, limit: Int) -> Bool {
        guard waiting.count < limit else { return false }
        waiting.append(command)
        return true
    }

    /// Begins the next command; nil where none waits, or one is under way.
    mutating func next(at time: Timestamp) -> QueuedCommand? {
        guard current == nil, let command = waiting.popFirst() else { return nil }
        // An empty lane holds no memory: there may be very many idle containers.
        if waiting.isEmpty { waiting = Deque() }
        begin(command, at: time)
        return command
    }

    /// A command is under way that does not come from the lane: a worker before this one began it.
    mutating func begin(_ command: QueuedCommand?, at time: Timestamp) {
        current = command
        begunAt = time
        failure = nil
    }

    /// Ends the command under way.
    mutating func finish() -> QueuedCommand? {
        defer { current = nil }
        return current
    }

    /// Notes why the command under way failed, unless a reason is known already.
    mutating func note(_ reason: @autoclosure () -> Failure) {
        if failure == nil { failure = reason() }
    }

    /// Sets the failure of the command under way, in place of an earlier one.
    mutating func replaceFailure(_ reason: Failure?) { failure = reason }

    /// Takes out the waiting command of request `number`.
    mutating func remove(_ number: UInt64) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.responder?.number == number }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// Takes out all commands that wait.
    mutating func removeAll() -> [QueuedCommand] {
        defer { waiting.removeAll() }
        return Array(waiting)
    }
}
