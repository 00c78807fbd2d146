import ContainerDriver
import ContainerProtocol

/// Finding by questions what a notification was to tell and did not: HCS can lose the exit of a process and of a system.
extension ComputeSystem {
    /// Asks HCS whether what runs still runs; what has ended is told as if its notification had come.
    ///
    /// Each process is asked for once; the system only where no process answers that it runs, which says the same of its
    /// system. While one check is under way, another has nothing to add and returns at once.
    /// - Throws: where HCS answers neither this nor that. Nothing is told then.
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

    /// Asks whether the system is still there, and takes note where it is not.
    func lookForEnd() throws(HostComputeError) {
        guard try hasEnded() else { return }
        let first = change { state in
            guard state.exited == nil, !state.closed else { return false }
            state.exited = 0
            // No notification said it, so that a discard looks once more.
            state.assumedExited = true
            return true
        }
        if first { enqueue { self.concludeProcesses() } }
    }

    /// That it is gone is believed of two answers only: HCS says so of a system that is being closed, and of a handle
    /// that is dead while its system runs (HostComputeService H).
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
    /// Asks HCS for the process; an exit that nobody has told is on its way to be told when this returns.
    ///
    /// That HCS knows nothing of it is believed only when it says so again after the time of a late notification, of a
    /// process that it does not let be opened either.
    /// - Returns: what HCS says.
    func check() -> ProcessStatus {
        guard !isConcluded else { return .gone }
        let status = ask()
        switch status {
        // On the queue of what the notifications bring, so that the two never do it at once.
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

    /// Whether HCS lets it be opened by its id; what can't be learnt is yes.
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
