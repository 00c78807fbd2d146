import CHostCompute
import Synchronization

/// A notification of HCS's callback.
enum Notification: Sendable, Equatable {
    /// An operation is complete: its status and, if it failed, HCS's result document.
    case completed(ComputeSystem.Completion, HcsResult, document: String?)
    case systemExited(HcsResult)
    case processExited
    case serviceDisconnected

    /// Nil for a type that this driver does not use. Newer systems send more types, which are ignored.
    init?(type: UInt32, status: HcsResult, data: UnsafePointer<CChar>?) {
        func completed(_ completion: ComputeSystem.Completion) -> Notification {
            .completed(completion, status, document: status < 0 ? data.map { String(cString: $0) } : nil)
        }
        switch type {
        case UInt32(HcsNotificationSystemExited): self = .systemExited(status)
        case UInt32(HcsNotificationSystemCreateCompleted): self = completed(.create)
        case UInt32(HcsNotificationSystemStartCompleted): self = completed(.start)
        case UInt32(HcsNotificationSystemPauseCompleted): self = completed(.pause)
        case UInt32(HcsNotificationSystemResumeCompleted): self = completed(.resume)
        case UInt32(HcsNotificationProcessExited): self = .processExited
        case UInt32(HcsNotificationServiceDisconnect): self = .serviceDisconnected
        default: return nil
        }
    }
}

/// Takes the notifications of one handle, on HCS's threads: it must not block.
protocol NotificationSink: AnyObject, Sendable {
    func notified(_ notification: Notification)
}

/// Maps the number that was given to HCS as context to the receiver of a notification. An unknown number is ignored, so
/// a late notification does no harm.
///
/// One for the whole program, because the C side has one callback function.
final class NotificationRegistry: Sendable {
    static let shared = NotificationRegistry()

    private struct State {
        var next: UInt = 1
        var sinks: [UInt: any NotificationSink] = [:]
    }
    private let state = Mutex(State())

    private init() {
        hc_set_notification { number, type, status, data in
            // The data is not trusted with an exit code; HCS is asked for it instead (HostComputeService C.2).
            guard let notification = Notification(type: type, status: status, data: data) else { return }
            NotificationRegistry.shared.deliver(notification, to: UInt(number))
        }
    }

    /// A number for a sink; before HCS is given it.
    func add(_ sink: any NotificationSink) -> UInt {
        state.withLock { state in
            let number = state.next
            state.next += 1
            state.sinks[number] = sink
            return number
        }
    }

    /// Forgets a number.
    func remove(_ number: UInt) {
        // The sink must not be destroyed under the lock: what it owns may come back here.
        let removed = state.withLock { $0.sinks.removeValue(forKey: number) }
        _ = removed
    }

    private func deliver(_ notification: Notification, to number: UInt) {
        let sink = state.withLock { $0.sinks[number] }
        sink?.notified(notification)
    }

    /// How many numbers are known; for tests that look for leaks.
    var count: Int { state.withLock { $0.sinks.count } }
}
