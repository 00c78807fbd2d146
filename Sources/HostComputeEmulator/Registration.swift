import CHostCompute
import Dispatch
import Glibc
import Synchronization

/// A receiver of notifications, registered on one handle: a C callback, or a closure.
///
/// Its compute system delivers notifications one at a time and in order. After `cancel` has returned the callback is
/// not running and will not run again.
final class Registration: @unchecked Sendable {
    // Sendable: everything is immutable but `state`, which is a lock; a C callback is a function without captured
    // state, and its context a number that is never followed.
    private let notify: (EmulatedNotification) -> Void
    /// The handle that it was registered on.
    let handle: UInt

    private struct State {
        var cancelled = false
        var runner: pthread_t?
        var waiters: [DispatchSemaphore] = []
    }

    private let state = Mutex(State())

    init(handle: UInt, tell: @escaping @Sendable (EmulatedNotification) -> Void) {
        self.handle = handle
        notify = tell
    }

    init(callback: @escaping HcsNotificationCallback, context: UnsafeMutableRawPointer?, handle: UInt) {
        self.handle = handle
        notify = { notification in
            guard let data = notification.data else {
                return callback(notification.type, context, notification.status, nil)
            }
            var units = Array(data.utf16)
            units.append(0)
            units.withUnsafeBufferPointer {
                callback(notification.type, context, notification.status, $0.baseAddress)
            }
        }
    }

    /// Calls the callback on the current thread, unless it was cancelled.
    /// - Returns: whether it was called.
    @discardableResult
    func deliver(_ notification: EmulatedNotification) -> Bool {
        let wanted = state.withLock { state in
            if state.cancelled { return false }
            state.runner = pthread_self()
            return true
        }
        guard wanted else { return false }
        notify(notification)
        let waiters = state.withLock { state in
            state.runner = nil
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.signal() }
        return true
    }

    /// Refuses what would wait for ever: to unregister from inside the callback itself.
    func checkNotWithin() throws(HostFailure) {
        let within = state.withLock { state in
            state.runner.map { pthread_equal($0, pthread_self()) != 0 } ?? false
        }
        if within { throw Registration.within }
    }

    /// Stops deliveries without waiting for one that runs: what closing the handle does.
    func silence() {
        state.withLock { $0.cancelled = true }
    }

    /// Stops deliveries and waits for one that runs.
    ///
    /// From inside the callback itself this would wait for ever, as it does on Windows: it is refused instead.
    func cancel() throws(HostFailure) {
        let (wait, within) = state.withLock { state -> (DispatchSemaphore?, Bool) in
            guard let runner = state.runner else {
                state.cancelled = true
                return (nil, false)
            }
            if pthread_equal(runner, pthread_self()) != 0 { return (nil, true) }
            state.cancelled = true
            let waiter = DispatchSemaphore(value: 0)
            state.waiters.append(waiter)
            return (waiter, false)
        }
        if within { throw Registration.within }
        wait?.wait()
    }

    private static let within = HostFailure(
        code: ResultCode.possibleDeadlock, message: "A callback cannot unregister itself while it runs.")
}
