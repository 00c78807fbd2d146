import CHostCompute
import ContainerDriver
import ContainerProtocol

import struct MessagePack.Timestamp

extension ComputeSystem {
    /// What HCS can tell of a compute system that somebody else made.
    struct Found: Sendable {
        var isolation: Isolation
        var paused: Bool
        var started: Bool
        var stopped: Bool

        /// Reads the basic properties. HCS does not name the isolation; only a utility VM has a runtime image. [inf]
        init(_ properties: ContainerProperties) {
            isolation = (properties.runtimeImagePath ?? "").isEmpty ? .process : .hyperV
            let state = properties.state ?? ""
            paused = state == "Paused"
            started = state != "Created"
            stopped = state == "Stopped" || properties.stopped == true
        }
    }

    /// Finds the first process again and attaches to it.
    /// - Parameter pid: its id, where it is known. HCS does not say which process was the first; without its id it is
    ///   taken to be the oldest that HCS lets be opened, since only those that were made through it can be. [inf]
    func reattach(
        _ found: Found, pid: UInt32?, output: any ProcessOutput
    ) throws(HostComputeError) -> OpenedContainer.State {
        withState { $0.started = found.started }
        if found.stopped { return lost() }
        if !found.started { return .created }
        let candidates: [UInt32]
        if let pid {
            candidates = [pid]
        } else {
            candidates = PropertyDocuments.processes(try readProperties(PropertyDocuments.query("ProcessList")))
                .sorted { ($0.createdAt ?? .epoch) < ($1.createdAt ?? .epoch) }.map(\.pid)
        }
        for pid in candidates {
            if let process = try reopen(.initial, pid: pid) {
                if let exit = process.exitAtReopening() {
                    process.handle.close()
                    withState { $0.initialExit = exit }
                    return .stopped(exit)
                }
                try resume(process, output: output)
                return found.paused ? .paused(pid: pid) : .running(pid: pid)
            }
        }
        return lost()
    }

    /// Finds the execs of the record that this one takes the place of; what became of the others nobody knows.
    func reattachExecs(of former: ComputeSystem) {
        for exec in former.withState({ $0.processes }) where exec.name != .initial {
            let process = try? reopen(exec.name, pid: exec.pid)
            if let process, let output = exec.output, (try? resume(process, output: output)) != nil {
                exec.silence()
            } else {
                exec.concludeVanished()
            }
        }
    }

    /// - Returns: nil where it has ended, or is not one of HCS's own.
    private func reopen(_ name: ProcessName, pid: UInt32) throws(HostComputeError) -> ComputeProcess? {
        do throws(HostComputeError) {
            let raw = try use("HcsOpenProcess") { system throws(HostComputeError) in
                try context.host.openProcess(system, pid: pid)
            }
            // HCS knows whether there is a terminal and does not tell; a resize of one that is none is HCS's to refuse.
            return ComputeProcess(
                name, pid: pid, terminal: true, handle: ComputeHandle(context.host, .process, raw), system: self)
        } catch  where error.isGone || error.code == 0x57 {
            return nil
        }
    }

    /// Takes up the streams and the exit of a process that runs.
    private func resume(_ process: ComputeProcess, output: any ProcessOutput) throws(HostComputeError) {
        do throws(HostComputeError) {
            // The standard handles are handed out again where the process has some; without them it still has an exit.
            let information = try? process.handle.use("HcsGetProcessInfo") { raw throws(HostComputeError) in
                try context.host.information(ofProcess: raw)
            }
            if let information { try process.attach(information, output: output) }
            adopt(process)
            try process.handle.register(process)
        } catch {
            guard process.silence() else { return }
            process.release(keepingOutput: false)
            disown(process)
            throw error
        }
    }

    /// The first process is gone and nobody knows how it ended.
    private func lost() -> OpenedContainer.State {
        let exit = Exit.unknown(reason: .lost, at: .now, observedBy: .restore)
        withState { $0.initialExit = exit }
        return .stopped(exit)
    }
}
