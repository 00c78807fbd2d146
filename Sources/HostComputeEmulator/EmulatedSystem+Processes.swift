import CHostCompute
import ContainerModel
import Glibc
import Synchronization

/// The processes of a compute system, from their creation to their exit.
extension EmulatedSystem {
    /// Starts a process; the descriptors for the caller are in the streams.
    /// - Parameter caller: the client that asks. If it has died, no process is made: the next client may have been
    ///   answered already that there is none.
    func createProcess(
        _ document: EmulatedProcessDocument, for caller: Caller
    ) throws(HostFailure) -> (process: EmulatedProcess, streams: [Int32]) {
        try state.withLock { (state) throws(HostFailure) in
            guard state.phase == .running else {
                throw state.phase == .stopped ? HostFailure.alreadyStopped : .invalidState(state.phase)
            }
            state.spawning += 1
        }
        let streams: ProcessStreams
        let pid: pid_t
        let createdAt: Timestamp
        do throws(HostFailure) {
            // Not before it is counted among those that are being created.
            try caller.checkAlive()
            createdAt = .now
            streams = try ProcessStreams(document, keepsOutput: settings.keepsExited)
            pid = try spawn(document, streams)
        } catch {
            state.withLock { state in
                state.spawning -= 1
                // Every other process may have exited meanwhile.
                if self.document.servicing { state.endAfterLastProcess() }
            }
            finishInPool()
            throw error
        }
        let process = EmulatedProcess(pid: pid, createdAt: createdAt, system: self, streams: streams)
        // In one step, so that an exit that comes at once finds the process counted among the live, and only there.
        let (phase, replaced) = state.withLock { state in
            state.spawning -= 1
            state.live += 1
            state.hasRun = true
            state.processes[pid] = process
            // The id stands for this one now.
            let replaced = state.kept.filter { $0.pid == pid }
            for former in replaced { state.drop(former) }
            return (state.phase, replaced)
        }
        for process in replaced { process.release() }
        service.reaper.watch(process)
        guard phase == .running || phase == .pausing || phase == .paused else {
            // The system ended while the program started, and may have looked for processes before this one was known.
            process.signal(SIGKILL)
            streams.closeCaller()
            if process.close(0) { forget(process) }
            throw HostFailure.invalidState(phase)
        }
        // Likewise for a pause.
        if phase != .running { process.signal(SIGSTOP) }
        return (process, streams.caller)
    }

    /// Starts the program and closes its ends of the streams; all ends when it cannot be started.
    private func spawn(_ document: EmulatedProcessDocument, _ streams: ProcessStreams) throws(HostFailure) -> pid_t {
        defer { streams.closeChild() }
        do throws(HostFailure) {
            let scratch = self.document.layerFolder
            return try ProcessSpawner(
                scratch: scratch.isEmpty ? "/" : scratch, document: document, descriptors: settings.processDescriptors
            ).spawn(streams)
        } catch {
            var streams = streams
            streams.closeCaller()
            streams.closeKept()
            throw error
        }
    }

    /// A creation that failed may have been the last thing that an ending system waited for.
    private func finishInPool() {
        let mayFinish = state.withLock { $0.phase == .stopping }
        if mayFinish { service.pool.submit { [self] in _ = finishIfEnded() } }
    }

    /// The process `pid`, with one more handle.
    func openProcess(_ pid: pid_t) throws(HostFailure) -> EmulatedProcess {
        let (process, stopped) = state.withLock { state in
            (state.processes[pid] ?? state.kept.last { $0.pid == pid }, state.phase == .stopped)
        }
        if stopped, process == nil || !settings.keepsExited { throw .alreadyStopped }
        guard let process, process.open() else {
            throw HostFailure(code: ResultCode.elementNotFound, message: "No process \(pid) runs here.")
        }
        return process
    }

    /// The most exited processes that one system keeps.
    private static let mostKept = 1000

    /// Forgets a process that has exited and has no handle, or keeps it if the settings demand it.
    func forget(_ process: EmulatedProcess) {
        let released = state.withLock { state -> EmulatedProcess? in
            // The id may stand for another process already.
            let isItself = state.processes[process.pid] === process
            if isItself { state.processes[process.pid] = nil }
            guard settings.keepsExited, !state.kept.contains(where: { $0 === process }) else { return nil }
            guard isItself, !state.forgotten else { return process }
            state.kept.append(process)
            guard state.kept.count > EmulatedSystem.mostKept, let oldest = state.kept.first else { return nil }
            state.drop(oldest)
            return oldest
        }
        released?.release()
    }

    /// The system has gone, and with it what it kept.
    func releaseKept() {
        let kept = state.withLock { state in
            defer { state.kept = [] }
            return state.kept
        }
        for process in kept { process.release() }
    }

    /// Notifies the exit of a process whose properties show it already, then looks for processes that it left behind.
    func processExited(_ process: EmulatedProcess) {
        let deliveries = process.exitDeliveries()
        let usage = process.exit?.usage ?? ProcessUsage()
        let left = LiveProcesses.members(of: [process.pid])
        let reversed = !service.faults.strike(nil, id) { (effect) -> Bool? in
            if case .reverseExitOrder = effect { true } else { nil }
        }.isEmpty
        let deliver = state.withLock { state in
            if reversed, state.phase == .stopping {
                state.heldBack = (state.heldBack ?? []) + deliveries
            } else {
                for delivery in deliveries { state.enqueue(delivery, service.faults, id) }
            }
            if left.isEmpty {
                state.orphanedSessions.remove(process.pid)
            } else {
                state.orphanedSessions.insert(process.pid)
            }
            state.usage.add(usage)
            state.live -= 1
            if document.servicing { state.endAfterLastProcess() }
            return state.claimLine()
        }
        if process.releaseIfDone() { forget(process) }
        _ = finishIfEnded()
        if deliver { self.deliver() }
    }
}

extension EmulatedSystem.State {
    /// Keeps an exited process no longer.
    fileprivate mutating func drop(_ process: EmulatedProcess) {
        kept.removeAll { $0 === process }
        listedFrom = max(listedFrom, process.createdAt.advanced(by: .nanoseconds(100)))
    }
}
