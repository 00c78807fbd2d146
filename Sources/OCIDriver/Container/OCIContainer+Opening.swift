import ContainerDriver
import ContainerModel
import Glibc

/// What an earlier worker's container has come to.
extension OCIContainer {
    /// Takes what the supervisor recorded before it died.
    func adoptRecorded() {
        for name in FolderTree.names(paths.processes) where name.hasSuffix(".spool") {
            guard let process = ProcessName(String(name.dropLast(6))), let known = paths.spool(process).state() else {
                continue
            }
            let found = SupervisedProcess(process, hasTerminal: known.hasTerminal)
            found.note(known)
            state.withLock { $0.processes[process] = found }
        }
    }

    /// The host has been restarted since: what ran has ended, and only what was recorded before is known.
    func concludeHostRestart(_ processes: [KnownProcess], _ ended: Set<UInt32>) {
        adoptRecorded()
        for known in processes where process(known.name) == nil {
            let lost = SupervisedProcess(known.name, hasTerminal: known.terminal)
            state.withLock { $0.processes[known.name] = lost }
        }
        for process in state.withLock({ Array($0.processes.values) }) where process.known?.phase != .exited {
            process.note(.unknown(reason: .hostRestart, at: .now, observedBy: .restore))
        }
    }

    /// Attaches to the processes that are looked for.
    /// - Parameter isNew: whether this driver did not have the container before.
    func found(_ looked: [KnownProcess], _ ended: Set<UInt32>, isNew: Bool) -> OpenedContainer {
        var found: [ProcessName: FoundProcess] = [:]
        var inputs: [ProcessName: any ProcessInput] = [:]
        for known in looked {
            settleBeginning(known)
            let process = process(known.name)
            if let process, process.isReported { continue }
            guard let process, isSame(process, known), let pid = process.pid ?? known.pid else {
                found[known.name] = lost(known)
                continue
            }
            if process.known?.phase == .created || process.known?.phase == .failed {
                found[known.name] = .neverCreated
                continue
            }
            found[known.name] = .found(pid: pid)
            if isNew { attach(process, known) }
            inputs[known.name] = reopenInput(process)
        }
        for process in state.withLock({ Array($0.processes.values) }) {
            if let pid = process.pid, ended.contains(pid), process.known?.phase == .exited { process.markReported() }
        }
        return OpenedContainer(
            isolation: .process, canPause: true, state: openState, processes: found, inputs: inputs)
    }

    /// Makes certain whether an exec was begun that the earlier worker may have asked for. Without its specification a
    /// request that the supervisor has not read yet is refused.
    private func settleBeginning(_ known: KnownProcess) {
        guard known.pid == nil, known.name != .initial, let supervisor else { return }
        if process(known.name).map({ isSame($0, known) }) != true {
            unlink(paths.specification(known.name))
            try? supervisor.synchronize()
        }
        guard let process = process(known.name), isSame(process, known) else { return }
        _ = state.wait(milliseconds: context.configuration.patience) { _ in
            (process.known?.phase ?? .creating) > .created ? true : nil
        }
    }

    private func isSame(_ process: SupervisedProcess, _ known: KnownProcess) -> Bool {
        if let pid = known.pid, let own = process.pid { return pid == own }
        // One that had ended before this one was to begin only had its name.
        guard let begun = known.startedAt, let state = process.known, state.phase == .exited else { return true }
        return state.exitedAt >= begun
    }

    /// A process that its supervisor does not know: it has never been started, unless its id is known.
    private func lost(_ known: KnownProcess) -> FoundProcess {
        guard known.pid != nil else {
            return supervisor == nil ? .unknown : .neverCreated
        }
        // It had an id, so it ran; nothing more is known of it.
        context.events?.processExited(id, known.name, .unknown(reason: .lost, at: .now, observedBy: .restore))
        return .unknown
    }

    /// Has its output go on where the earlier worker's record of it ends.
    private func attach(_ process: SupervisedProcess, _ known: KnownProcess) {
        let end = process.known?.outputEnd ?? 0
        if known.output.position == nil {
            for stream in process.hasTerminal ? [OutputStream.stdout] : [.stdout, .stderr] { known.output.lose(stream) }
        }
        let start = min(known.output.position ?? process.known?.outputStart ?? 0, end)
        guard let offset = process.beginReading(into: known.output, from: start) else { return }
        if supervisor != nil {
            read(process, from: offset)
            // Its end may have been noticed before anyone wanted to know.
            settle(process)
        } else if process.exit != nil {
            process.readRecorded(paths.spool(process.name))
            conclude(process)
        } else {
            adopt(process, observedBy: .restore)
        }
    }

    private var openState: OpenedContainer.State {
        guard let first = initial else { return .stopped }
        if first.exit != nil { return .stopped }
        if first.known?.phase == .created { return .created }
        return cgroup.isFrozen ? .paused : .running
    }
}
