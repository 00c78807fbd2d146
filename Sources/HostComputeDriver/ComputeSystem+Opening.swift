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
        init(_ properties: JSONValue) {
            isolation = (properties["RuntimeImagePath"]?.string ?? "").isEmpty ? .process : .hyperV
            let state = properties["State"]?.string ?? ""
            paused = state == "Paused"
            started = state != "Created"
            stopped = state == "Stopped" || properties["Stopped"]?.bool == true
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
            do throws(HostComputeError) {
                let raw = try use("HcsOpenProcess") { system throws(HostComputeError) in
                    try context.host.openProcess(system, pid: pid)
                }
                return try reattach(
                    ComputeHandle(context.host, .process, raw), pid: pid, paused: found.paused, output: output)
            } catch where error.isGone || error.code == 0x57 {
                // Ended, or not one of HCS's own: the next.
                continue
            }
        }
        return lost()
    }

    private func reattach(
        _ handle: ComputeHandle, pid: UInt32, paused: Bool, output: any ProcessOutput
    ) throws(HostComputeError) -> OpenedContainer.State {
        // HCS knows whether there is a terminal and does not tell; a resize of one that is none is HCS's to refuse.
        let process = ComputeProcess(.initial, pid: pid, terminal: true, handle: handle, system: self)
        if let exit = process.exitAtReopening() {
            handle.close()
            withState { $0.initialExit = exit }
            return .stopped(exit)
        }
        do throws(HostComputeError) {
            // The standard handles are handed out again where the process has some; without them it still has an exit.
            let information = try? handle.use("HcsGetProcessInfo") { raw throws(HostComputeError) in
                try context.host.information(ofProcess: raw)
            }
            if let information { try process.attach(information, output: output) }
            adopt(process)
            try handle.register(process)
        } catch {
            process.silence()
            process.release(keepingOutput: false)
            disown(process)
            throw error
        }
        return paused ? .paused(pid: pid) : .running(pid: pid)
    }

    /// The first process is gone and nobody knows how it ended.
    private func lost() -> OpenedContainer.State {
        let exit = Exit.unknown(reason: .lost, at: .now, observedBy: .restore)
        withState { $0.initialExit = exit }
        return .stopped(exit)
    }
}
