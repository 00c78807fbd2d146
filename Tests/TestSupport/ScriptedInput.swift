public import ContainerDriver
import Synchronization

/// A standard input that takes as much as the test says, and keeps it.
public final class ScriptedInput: ProcessInput {
    private struct State {
        var bytes: [UInt8] = []
        var room = Int.max
        var isEnded = false
    }

    private let state = Mutex(State())

    /// A process's input, with room for everything.
    public init() {}

    /// What was written.
    public var bytes: [UInt8] { state.withLock { $0.bytes } }
    /// Whether the input was ended.
    public var isEnded: Bool { state.withLock { $0.isEnded } }

    /// Takes no more than `room` further bytes.
    public func setRoom(_ room: Int) { state.withLock { $0.room = room } }

    public func write(_ bytes: [UInt8], end: Bool) throws(DriverFailure) -> Int {
        state.withLock { state in
            let count = min(bytes.count, state.room)
            state.bytes += bytes.prefix(count)
            state.room -= count
            if end, count == bytes.count { state.isEnded = true }
            return count
        }
    }
}
