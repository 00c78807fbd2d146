import ContainerDriver
import ContainerModel

/// Asking HCS for exits whose notification was lost. HCS can lose the exit of a process and of a system.
extension ComputeSystem {
    /// Asks HCS whether the processes and the system still run, and reports exits as if they had been notified.
    ///
    /// Each process is asked for once. The system is asked for only if no process runs, since a running process implies
    /// a running system. A check that comes while another is under way returns at once.
    /// - Throws: if HCS gives no usable answer. Nothing is reported then.
    func check() throws(DriverFailure) {
        let processes = withState { state -> [ComputeProcess]? in
            let settled = state.closed || state.handle == nil || state.exited != nil || state.disconnected
            if settled || state.isChecking { return nil }
            state.isChecking = true
            return state.processes
        }
        guard let processes else {
            if isDisconnected { throw HostComputeError("HcsGetProcessProperties", .disconnected).failure(subject) }
            return
        }
        // Wakes a close that waits for it.
        defer { change { $0.isChecking = false } }
        var runs = false
        for process in processes where process.check() == .running { runs = true }
        guard !runs else { return }
        do throws(HostComputeError) {
            try lookForEnd()
        } catch {
            throw error.failure(subject)
        }
    }

    /// Asks HCS whether the system still exists, and records its exit if it does not.
    func lookForEnd() throws(HostComputeError) {
        guard try hasEnded() else { return }
        let first = change { state in
            guard state.exited == nil, !state.closed else { return false }
            state.exited = 0
            // Without a notification, a discard must check once more.
            state.assumedExited = true
            return true
        }
        if first { enqueue { self.concludeProcesses() } }
    }

    /// Reports the system as gone only after two answers agree. One is not enough: HCS also gives it for a system that
    /// is being closed, and for a dead handle whose system runs (HostComputeService H).
    private func hasEnded() throws(HostComputeError) -> Bool {
        do throws(HostComputeError) {
            return Found(try readProperties(PropertyDocuments.basic)).stopped
        } catch  where error.isGone {
            do throws(HostComputeError) {
                let (handle, found) = try context.openOwn(id)
                defer { handle.close() }
                return found.stopped
            } catch  where error.isNotFound || error.isAlreadyStopped || error.isForeign {
                return true
            }
        }
    }
}

extension ComputeProcess {
    /// Asks HCS for the process. An exit that was not reported yet is enqueued to be reported when this returns.
    ///
    /// A process that HCS does not know is reported only if HCS still does not know it after the time that a late
    /// notification may take, and does not open it by its id either.
    /// - Returns: the answer of HCS.
    func check() -> ProcessStatus {
        guard !isConcluded else { return .gone }
        let status = ask()
        switch status {
        // On the queue that serves notifications, so that the two never report at the same time.
        case .exited, .exitedUnreadably: system.enqueue { self.concludeFound(status) }
        case .gone: system.later { self.concludeIfStillGone() }
        case .running, .unanswered: break
        }
        return status
    }

    private func concludeIfStillGone() {
        guard !isConcluded, ask() == .gone, !canBeOpened else { return }
        concludeFound(.exitedUnreadably)
    }

    /// Whether HCS opens the process by its id; true if HCS gives no clear answer.
    private var canBeOpened: Bool {
        do throws(HostComputeError) {
            let raw = try system.use("HcsOpenProcess") { raw throws(HostComputeError) in
                try system.context.host.openProcess(raw, pid: pid)
            }
            try? system.context.host.closeProcess(raw)
            return true
        } catch {
            return !error.isNotFound && !error.isAlreadyStopped
        }
    }
}
