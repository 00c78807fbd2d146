import CHostCompute
import ContainerDriver
import ContainerModel

extension ComputeSystem {
    /// How a wait for the system's exit ended.
    enum Wait: Sendable { case exited, disconnected, timedOut }

    /// Waits for SystemExited. The notification may be lost, so HCS is asked as well: after a second, after two more,
    /// and so on up to every half minute.
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
            // On another queue, because a call that hangs must not prolong this wait.
            aside { try? self.check() }
            patience = min(patience * 2, .seconds(30))
        }
    }

    /// Records an exit that was learned from a call's result instead of a notification.
    private func assumeExited() {
        change { state in
            guard state.exited == nil else { return }
            state.exited = 0
            state.assumedExited = state.saidToBeGone
        }
    }

    /// Shuts the system down, by force if it does not shut down gracefully. Reports all exits and closes the system.
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
                // The system is gone already, so no notification needs to follow.
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

    /// Asks HCS for the exit of every process whose exit has not been reported.
    func pollProcesses() {
        for process in withState({ $0.processes }).reversed() { process.concludeIfGone() }
    }

    /// - Returns: whether it went down.
    private func goDownGracefully() -> Bool {
        if servicing {
            // A servicing run that succeeds ends its system by itself; it is not shut down (HostComputeService F.6).
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

    /// Whether a servicing run would have updates to merge. False if HCS cannot answer; a host without servicing runs
    /// is not asked.
    private func updatesPending() -> Bool {
        guard context.hasServicing else { return false }
        let properties = try? readProperties(PropertyDocuments.query("PendingUpdates"))
        return properties?.areUpdatesPending ?? false
    }

    /// Terminates the system if it still exists, reports all exits, and closes the system.
    func takeDown() throws(DriverFailure) {
        let (closed, down, handle) = withState { ($0.closed, $0.exited != nil, $0.handle) }
        guard !closed, handle != nil else { return }
        if !down { try terminateAndWait() }
        finish()
    }

    /// Waits until every exit of a system that is down has been reported, and closes the system.
    func finish() {
        if withState({ !$0.processes.isEmpty }) {
            enqueue { self.concludeProcesses() }
            // Longer than a lost exit takes. Exits that hang for longer are reported without a code.
            let reported = wait(context.timeouts.lostExit * 2 + .seconds(5)) { $0.processes.isEmpty ? true : nil }
            if reported == nil {
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
        // A check that is under way holds a handle, and HCS keeps the system and its id while a handle is open. The
        // wait is bounded because a check may hang.
        _ = wait(context.timeouts.lostExit) { $0.isChecking ? nil : true }
        for process in processes { process.release(keepingOutput: false) }
        for output in outputs { hc_stream_close(output) }
        handle?.close()
    }
}
