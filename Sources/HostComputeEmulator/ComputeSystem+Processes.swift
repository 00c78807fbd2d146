import CHostCompute
import Glibc

/// The processes of a compute system, from their creation to their exit.
extension ComputeSystem {
    /// Starts a process; the descriptors for the caller are in the streams.
    func createProcess(
        _ document: ProcessDocument
    ) throws(HostFailure) -> (process: ComputeProcess, streams: [Int32]) {
        try state.withLock { (state) throws(HostFailure) in
            guard state.phase == .running else {
                throw state.phase == .stopped ? HostFailure.alreadyStopped : .invalidState(state.phase)
            }
            state.spawning += 1
        }
        let streams: ProcessStreams
        let pid: pid_t
        do throws(HostFailure) {
            streams = try ProcessStreams(document)
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
        let process = ComputeProcess(pid: pid, system: self, streams: streams)
        // In one step, so that an exit that comes at once finds the process counted among the live, and only there.
        let phase = state.withLock { state in
            state.spawning -= 1
            state.live += 1
            state.hasRun = true
            state.processes[pid] = process
            return state.phase
        }
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
    private func spawn(_ document: ProcessDocument, _ streams: ProcessStreams) throws(HostFailure) -> pid_t {
        defer { streams.closeChild() }
        do throws(HostFailure) {
            let scratch = self.document.layerFolder
            return try ProcessSpawner(scratch: scratch.isEmpty ? "/" : scratch, document: document).spawn(streams)
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

    /// The open process `pid`.
    func openProcess(_ pid: pid_t) throws(HostFailure) -> ComputeProcess {
        let (process, stopped) = state.withLock { ($0.processes[pid], $0.phase == .stopped) }
        if stopped { throw .alreadyStopped }
        guard let process, process.open() else {
            throw HostFailure(code: ResultCode.elementNotFound, message: "No process \(pid) runs here.")
        }
        return process
    }

    /// Forgets a process that has exited and has no handle.
    func forget(_ process: ComputeProcess) {
        state.withLock { state in
            // The id may stand for another process already.
            if state.processes[process.pid] === process { state.processes[process.pid] = nil }
        }
    }

    /// A process has exited and its properties say so: tell it, then see what it left behind.
    func processExited(_ process: ComputeProcess) {
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
