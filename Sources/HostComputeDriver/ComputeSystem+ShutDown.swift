import CHostCompute
import ContainerDriver
import ContainerProtocol

extension ComputeSystem {
    /// How a wait for the system's exit ended.
    enum Wait: Sendable { case exited, disconnected, timedOut }

    /// Waits for SystemExited. Should it have been lost, the system is asked for, more and more seldom: after a second,
    /// after two more, and so on to every half minute.
    func waitForExit(_ timeout: Duration) -> Wait {
        let end = ContinuousClock.now + timeout
        var patience = context.timeouts.lostExit
        while true {
            let left = end - .now
            let found = wait(min(patience, left)) { state -> Wait? in
                if state.exited != nil { return .exited }
                return state.disconnected ? .disconnected : nil
            }
            if let found { return found }
            guard left > patience else { return .timedOut }
            // Aside, because a question that hangs must not make this wait longer than it may.
            aside { try? self.check() }
            patience = min(patience * 2, .seconds(30))
        }
    }

    /// Takes it from an answer of HCS that the system is down, where no notification has told it.
    private func assumeExited() {
        change { state in
            guard state.exited == nil else { return }
            state.exited = 0
            state.assumedExited = state.saidToBeGone
        }
    }

    /// Takes the system down, gracefully where it lets itself, tells all exits, and closes it.
    func shutDown() throws(DriverFailure) -> ShutDown {
        let (closed, down, terminated) = withState { state in
            state.goingDown = true
            return (state.closed, state.exited != nil, state.terminated)
        }
        guard !closed else { return ShutDown(updatePending: false, forced: false) }
        let updatePending = !down && !terminated && updatesPending()
        var forced = false
        if !down {
            forced = !(terminated ? waitForExit(context.timeouts.shutDown) == .exited : goDownGracefully())
            if isDisconnected {
                throw HostComputeError("HcsShutdownComputeSystem", .disconnected).failure(subject)
            }
            if forced { try terminateAndWait() }
            assumeExited()
        }
        finish()
        return ShutDown(updatePending: updatePending, forced: forced)
    }

    /// Ends the system and everything in it, and waits until it is gone.
    func terminateAndWait() throws(DriverFailure) {
        do throws(HostComputeError) {
            guard try kill() == .pending else {
                // Gone at once, or gone before: no notification needs to come any more.
                assumeExited()
                enqueue { self.concludeProcesses() }
                return
            }
            switch waitForExit(context.timeouts.terminate) {
            case .exited: break
            case .disconnected: throw HostComputeError("HcsTerminateComputeSystem", .disconnected)
            case .timedOut: throw HostComputeError("HcsTerminateComputeSystem", .timedOut(context.timeouts.terminate))
            }
        } catch {
            throw error.failure(subject)
        }
    }

    /// Asks HCS for the exits of processes that were said to be gone.
    func pollProcesses() {
        for process in withState({ $0.processes }).reversed() { process.concludeIfGone() }
    }

    /// - Returns: whether it went down.
    private func goDownGracefully() -> Bool {
        if servicing {
            // A servicing run ends its system by itself where it went well; it is not shut down (HostComputeService F.6).
            let exit = withState { $0.initialExit }
            guard let exit, exit.known, exit.code == 0 else { return false }
            return waitForExit(context.timeouts.servicing) == .exited
        }
        do throws(HostComputeError) {
            let progress = try use("HcsShutdownComputeSystem") { system throws(HostComputeError) in
                try context.host.shutDown(system)
            }
            guard progress == .pending else { return true }
            return waitForExit(context.timeouts.shutDown) == .exited
        } catch {
            if error.isGone { withState { $0.saidToBeGone = true } }
            return error.isGone
        }
    }

    /// Whether a servicing run would have something to merge; what can't be learnt is no, and a host without such runs is
    /// not asked.
    private func updatesPending() -> Bool {
        guard context.hasServicing else { return false }
        let properties = try? readProperties(PropertyDocuments.query("PendingUpdates"))
        return properties?.areUpdatesPending ?? false
    }

    /// Ends the system by force where it still exists, tells all exits, and closes it.
    func takeDown() throws(DriverFailure) {
        let (closed, down, handle) = withState { ($0.closed, $0.exited != nil, $0.handle) }
        guard !closed, handle != nil else { return }
        if !down { try terminateAndWait() }
        finish()
    }

    /// The system is down: waits until every exit has been told, and closes it.
    func finish() {
        if withState({ !$0.processes.isEmpty }) {
            enqueue { self.concludeProcesses() }
            // Longer than a lost exit takes. A call that hangs for longer gets no say.
            let told = wait(context.timeouts.lostExit * 2 + .seconds(5)) { $0.processes.isEmpty ? true : nil }
            if told == nil {
                for process in withState({ $0.processes }).reversed() { process.concludeUnknown() }
            }
        }
        close()
    }

    /// Closes everything that is open, processes before their system.
    func close() {
        let (processes, outputs, handle) = change { state in
            defer {
                state.closed = true
                state.handle = nil
                state.processes = []
                state.outputs = []
            }
            return (state.processes, state.outputs, state.handle)
        }
        // A question that is under way holds a handle, and while one is open HCS keeps the system and its id; but one that
        // hangs is not waited for.
        _ = wait(context.timeouts.lostExit) { $0.isChecking ? nil : true }
        for process in processes { process.release(keepingOutput: false) }
        for output in outputs { hc_stream_close(output) }
        handle?.close()
    }
}
