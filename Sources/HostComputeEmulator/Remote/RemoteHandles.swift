import Synchronization

/// What a handle of this side stands for.
struct RemoteHandle: Sendable {
    let kind: EmulatorCall.Kind
    let connection: RemoteConnection
    /// The service's handle.
    var remote: UInt64 = 0
    /// The compute system that it belongs to.
    let systemID: String
    /// What a callback's handle stands for, and the number by which the service knows it.
    var registration: Registration?
    var remoteRegistration: UInt64 = 0
}

/// The handles that this side has given out.
final class RemoteHandles: Sendable {
    private struct State {
        var last = RemoteHandles.first
        var handles: [UInt64: RemoteHandle] = [:]
    }

    /// Outside the range of this process's own emulator, so that a handle shows which of the two has given it.
    private static let first: UInt64 = 0x4000_0000_0000

    /// Whether a handle has been given out by any of these.
    static func isOne(_ handle: UInt64) -> Bool { handle >= first }

    private let state = Mutex(State())

    /// Gives a handle; it is never used again.
    func add(_ handle: RemoteHandle) -> UInt64 {
        state.withLock { state in
            state.last += 8
            state.handles[state.last] = handle
            return state.last
        }
    }

    subscript(handle: UInt64) -> RemoteHandle? { state.withLock { $0.handles[handle] } }

    func update(_ handle: UInt64, remote: UInt64) { state.withLock { $0.handles[handle]?.remote = remote } }

    func remove(_ handle: UInt64) {
        // Not destroyed under the lock.
        let removed = state.withLock { $0.handles.removeValue(forKey: handle) }
        _ = removed
    }

    /// How many there are; for tests that look for leaks.
    var count: Int { state.withLock { $0.handles.count } }
}
