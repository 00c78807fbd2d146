import CHostCompute
import Dispatch
import Glibc
import Synchronization

/// Shutdown and terminate: first every process ends, then the system.
extension EmulatedSystem {
    enum EndCall {
        case shutdown, terminate

        var call: EmulatorCall { self == .shutdown ? .shutdownComputeSystem : .terminateComputeSystem }

        var exit: SystemExit {
            SystemExit(status: ResultCode.success, kind: self == .shutdown ? .gracefulExit : .forcedExit)
        }
    }

    func end(_ how: EndCall) throws(HostFailure) -> HcsResult {
        let effects = service.faults.strike(how.call, id) { (effect) -> Fault.Effect? in
            switch effect {
            case .holdCompletion, .neverComplete, .completeAtOnce: effect
            default: nil
            }
        }
        var atOnce = settings.completesAtOnce
        var stall: Stall?
        var never = false
        for effect in effects {
            switch effect {
            case .holdCompletion(let held): stall = held
            case .neverComplete: never = true
            case .completeAtOnce: atOnce = true
            default: break
            }
        }
        try state.withLock { (state) throws(HostFailure) in
            switch state.phase {
            case .stopped: throw HostFailure.alreadyStopped
            case .running: break
            default: if how == .shutdown { throw HostFailure.invalidState(state.phase) }
            }
            // The system stays as it is, as far as anyone can see.
            if never { return }
            state.phase = .stopping
            state.ending = how.exit
        }
        if never { return ResultCode.pending }
        if atOnce {
            beginEnd(how)
            waitForEnd()
            return ResultCode.success
        }
        service.pool.submit { [self, stall] in
            stall?.hold()
            beginEnd(how)
        }
        return ResultCode.pending
    }

    private func beginEnd(_ how: EndCall) {
        if finishIfEnded() { return }
        guard how == .shutdown else { return signalFamily(SIGKILL) }
        signalFamily(SIGTERM)
        let grace = settings.grace.components
        let nanoseconds = grace.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let interval = nanoseconds.overflow ? Int64.max : nanoseconds.partialValue + grace.attoseconds / 1_000_000_000
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(interval))) { [weak self] in
            guard let self else { return }
            service.pool.submit { self.killAfterGrace() }
        }
    }

    private func killAfterGrace() {
        let late = state.withLock { state in
            guard state.phase == .stopping, !state.finishing else { return false }
            state.ending?.kind = .forcedExit
            return true
        }
        if late { signalFamily(SIGKILL) }
    }

    /// Completes the end when nothing is left to wait for; true when this call did.
    func finishIfEnded() -> Bool {
        guard state.withLock({ $0.claimFinish() }) else { return false }
        killStragglers()
        let statuses = service.faults.strike(nil, id) { (effect) -> HcsResult? in
            if case .exitStatus(let status) = effect { status } else { nil }
        }
        finish { exit in
            if let status = statuses.first { exit = SystemExit(status: status, kind: .unexpectedExit) }
        }
        return true
    }

    private func finish(_ adjust: (inout SystemExit) -> Void) {
        let (deliver, gone, waiters) = state.withLock { state -> (Bool, Bool, [DispatchSemaphore]) in
            var exit = state.ending ?? EndCall.terminate.exit
            adjust(&exit)
            state.phase = .stopped
            state.exit = exit
            if state.handles <= 0 { state.isKept = settings.keepsExited && state.hasRun }
            state.broadcast(exit.notification, service.faults, id)
            state.line += state.heldBack ?? []
            state.heldBack = nil
            defer { state.endWaiters = [] }
            return (state.claimLine(), state.claimGone(), state.endWaiters)
        }
        for waiter in waiters { waiter.signal() }
        if gone { service.forget(self) }
        if deliver { self.deliver() }
    }

    /// Waits until the system has ended; false when it has not by then.
    @discardableResult
    func waitForEnd(until deadline: ContinuousClock.Instant? = nil) -> Bool {
        let waiter = DispatchSemaphore(value: 0)
        let waits = state.withLock { state in
            if state.phase != .stopped { state.endWaiters.append(waiter) }
            return state.phase != .stopped
        }
        guard waits else { return true }
        let left = deadline.map { DispatchTime.now() + .microseconds(Int(max(0, ($0 - .now).wholeMicroseconds))) }
        return waiter.wait(timeout: left ?? .distantFuture) == .success
    }

    /// A fault: the system ends by itself before the caller's operation completes.
    func endUnexpectedly() {
        let exit = SystemExit(status: ResultCode.unexpectedExit, kind: .unexpectedExit)
        state.withLock { state in
            state.phase = .stopping
            state.ending = exit
        }
        if finishIfEnded() { return }
        signalFamily(SIGKILL)
        waitForEnd()
    }

    /// Signals every process of the system, by group and one by one: descendants may have groups of their own.
    func signalFamily(_ signal: Int32) {
        let (leaders, orphaned) = state.withLock { (Array($0.processes.values), $0.orphanedSessions) }
        let running = leaders.filter { $0.exit == nil }
        if running.isEmpty, orphaned.isEmpty { return }
        // Seen before the leaders die: afterwards a descendant in a session of its own has no parent to be found by.
        let family = LiveProcesses.family(of: orphaned.union(running.map(\.pid))).compactMap {
            EmulatedProcessStatus($0)
        }
        let ids = Set(running.map(\.pid))
        let others = family.filter { !ids.contains($0.pid) }
        if signal == SIGTERM || signal == SIGKILL {
            state.withLock { state in
                for other in others { state.strays[other.pid] = other.startTicks }
            }
        }
        for leader in running { leader.signal(signal) }
        for other in others where !ids.contains(getpgid(other.pid)) { kill(other.pid, signal) }
    }

    /// Kills what outlived its leader. It ends after a bounded time: a process can be stuck in the kernel.
    private func killStragglers() {
        let (sessions, strays) = state.withLock { state in
            defer { state.strays = [:] }
            return (state.orphanedSessions, state.strays)
        }
        if sessions.isEmpty, strays.isEmpty { return }
        for _ in 0..<1000 {
            let left =
                LiveProcesses.members(of: sessions)
                + strays.filter { EmulatedProcessStatus($0.key)?.isSame(startTicks: $0.value) == true }.keys
            if left.isEmpty { return }
            for pid in left { kill(pid, SIGKILL) }
            usleep(1000)
        }
    }
}
