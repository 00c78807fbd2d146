import CHostCompute
import ContainerDriver
import ContainerModel

/// Handles to a compute system besides the driver's own, opened by its id.
///
/// Ids are chosen by users and shared by all clients of a host. So a system that was opened by its id is used only
/// after HCS has reported its owner through the same handle. An open handle always names the same system, and the id is
/// not given to another system meanwhile (HostComputeService A.6).
extension DriverContext {
    /// Opens a compute system of this driver's owner.
    /// - Throws: ``HostComputeError/Reason/foreign(owner:)`` where it is another owner's.
    func openOwn(_ id: ContainerID) throws(HostComputeError) -> (handle: ComputeHandle, found: ComputeSystem.Found) {
        let handle = ComputeHandle(host, .system, try host.openSystem(id.rawValue))
        do throws(HostComputeError) {
            let properties = try handle.properties(PropertyDocuments.basic)
            // If HCS does not report the owner, the worker's record decides. [inf]
            if let other = properties.owner, other != owner {
                throw HostComputeError("HcsOpenComputeSystem", .foreign(owner: other))
            }
            return (handle, ComputeSystem.Found(properties))
        } catch {
            handle.close()
            throw error
        }
    }
}

extension ComputeSystem {
    /// Terminates the system, without waiting for its end.
    ///
    /// Uses a second handle, because HCS serialises the calls of one handle, and a termination must not wait behind a
    /// call that hangs (HostComputeService G.1). The driver's own handle is used if no second one can be opened, or if
    /// the system has not ended some seconds after the request.
    func kill() throws(HostComputeError) -> HostCompute.Progress {
        let first = withState { state in
            defer { state.terminated = true }
            return !state.terminated
        }
        do throws(HostComputeError) {
            guard let second = try secondHandle() else { return try terminateByOwnHandle() }
            defer { second.close() }
            let progress = try second.use("HcsTerminateComputeSystem") { system throws(HostComputeError) in
                try context.host.terminate(system)
            }
            if progress == .pending { terminateAgain() }
            return progress
        } catch  where error.isGone || error.isForeign {
            // It has ended already. An exit that has not been reported by then is asked for.
            withState { $0.saidToBeGone = true }
            later { self.pollProcesses() }
            return .done
        } catch  where error.isAccessDenied && !first {
            // How HCS answers a second termination.
            return .pending
        } catch {
            if first { withState { $0.terminated = false } }
            throw error
        }
    }

    /// Ends a process by force: the first one with its whole system, as nothing in the system outlives it.
    func kill(_ process: ComputeProcess) throws(HostComputeError) {
        guard process.name != .initial else {
            // HCS refuses a second termination; that error is ignored.
            guard !withState({ $0.terminated }) else { return }
            _ = try kill()
            return
        }
        guard process.noteTermination() else { return }
        do throws(HostComputeError) {
            guard let second = try secondHandle(to: process) else { return try process.terminateByOwnHandle() }
            defer { second.close() }
            try second.use("HcsTerminateProcess") { raw throws(HostComputeError) in
                try context.host.terminate(process: raw)
            }
            onceForceIsLate { if !process.isConcluded { try? process.terminateByOwnHandle() } }
        } catch  where error.isAccessDenied || error.isForeign {
            // How HCS answers the termination of a process that has ended.
            later { process.concludeIfGone() }
        } catch {
            if !error.isGone { process.forgetTermination() }
            throw error
        }
    }

    /// A second handle; nil if HCS gives none, without reporting the system as gone or foreign.
    private func secondHandle() throws(HostComputeError) -> ComputeHandle? {
        do throws(HostComputeError) {
            return try context.openOwn(id).handle
        } catch  where !error.isGone && !error.isForeign {
            return nil
        }
    }

    private func secondHandle(to process: ComputeProcess) throws(HostComputeError) -> ComputeHandle? {
        guard let system = try secondHandle() else { return nil }
        defer { system.close() }
        do throws(HostComputeError) {
            let raw = try system.use("HcsOpenProcess") { raw throws(HostComputeError) in
                try context.host.openProcess(raw, pid: process.pid)
            }
            return ComputeHandle(context.host, .process, raw)
        } catch  where !error.isGone {
            return nil
        }
    }

    private func terminateByOwnHandle() throws(HostComputeError) -> HostCompute.Progress {
        try use("HcsTerminateComputeSystem") { system throws(HostComputeError) in try context.host.terminate(system) }
    }

    /// Terminates through the own handle what a second handle's request has not ended: HCS may drop the request when
    /// the handle that it came through is closed. [inf]
    private func terminateAgain() {
        onceForceIsLate { if self.withState({ $0.exited == nil }) { _ = try? self.terminateByOwnHandle() } }
    }

    private func onceForceIsLate(_ work: @escaping @Sendable () -> Void) {
        // Aside, because the own handle may be behind a call that hangs.
        afterwards(context.timeouts.secondForce) { self.aside(work) }
    }
}

extension ComputeProcess {
    fileprivate func terminateByOwnHandle() throws(HostComputeError) {
        try handle.use("HcsTerminateProcess") { process throws(HostComputeError) in
            try system.context.host.terminate(process: process)
        }
    }
}
