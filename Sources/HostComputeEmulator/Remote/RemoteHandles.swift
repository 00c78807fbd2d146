import Synchronization

/// What a handle of this side stands for.
struct RemoteHandle: Sendable {
    enum Kind: Sendable { case system, process, systemCallback, processCallback }

    let kind: Kind
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
        // Not from the range of the emulator of this process: a handle of one is none of the other's.
        var last: UInt = 0x4000_0000_0000
        var handles: [UInt: RemoteHandle] = [:]
    }

    private let state = Mutex(State())

    /// Gives a handle; it is never used again.
    func add(_ handle: RemoteHandle) -> UInt {
        state.withLock { state in
            state.last += 8
            state.handles[state.last] = handle
            return state.last
        }
    }

    subscript(handle: UInt) -> RemoteHandle? { state.withLock { $0.handles[handle] } }

    func update(_ handle: UInt, remote: UInt64) { state.withLock { $0.handles[handle]?.remote = remote } }

    func remove(_ handle: UInt) {
        // Not destroyed under the lock.
        let removed = state.withLock { $0.handles.removeValue(forKey: handle) }
        _ = removed
    }

    /// How many there are; for tests that look for leaks.
    var count: Int { state.withLock { $0.handles.count } }
}
