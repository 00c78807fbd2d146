import ZeroMQ

/// The watchdog of one driver call. It counts from the call's beginning, not from its place in the line for a thread.
/// On the loop only.
final class CallWatch {
    private let loop: any HostLoop
    private let limit: Duration
    private let call: DriverCall
    private let report: () -> Void
    private var deadline: SocketLoop.Deadline?
    private var hasReported = false

    /// Calls `report` once when `call` has run for longer than `limit`.
    init(on loop: any HostLoop, limit: Duration, call: DriverCall, report: @escaping () -> Void) {
        self.loop = loop
        self.limit = limit
        self.call = call
        self.report = report
        look(after: limit)
    }

    private func look(after duration: Duration) {
        deadline = loop.schedule(after: duration) { [self] in
            let left = limit - (call.begunAt.map { loop.now - $0 } ?? .zero)
            guard left <= .zero else { return look(after: left) }
            hasReported = true
            report()
        }
    }

    /// The call has come back.
    /// - Returns: whether it had been reported.
    func end() -> Bool {
        if let deadline { loop.cancel(deadline) }
        deadline = nil
        return hasReported
    }
}
