import CHostCompute
import ContainerDriver
import ContainerModel

extension ComputeSystem {
    /// What HCS reports of a compute system that this driver did not create.
    struct Found: Sendable {
        var isolation: Isolation
        var paused: Bool
        var started: Bool
        var stopped: Bool
        /// Nil where HCS does not say.
        var owner: String?
        /// Nil where the service does not say.
        var history: ProcessHistory?

        /// Reads the basic properties. HCS does not name the isolation; only a utility VM has a runtime image. [inf]
        init(_ properties: ContainerProperties) {
            isolation = (properties.runtimeImagePath ?? "").isEmpty ? .process : .hyperV
            let state = properties.state ?? ""
            paused = state == "Paused"
            started = state != "Created"
            stopped = state == "Stopped" || properties.stopped == true
            owner = properties.owner
            history = properties.createdProcesses.flatMap(ProcessHistory.init)
        }

        /// The isolation, where the record overrules HCS: HCS may name no runtime image of a utility VM.
        func isolation(_ known: KnownContainer) -> Isolation { known.canPause == true ? .hyperV : isolation }

        var state: OpenedContainer.State {
            if stopped { return .stopped }
            if !started { return .created }
            return paused ? .paused : .running
        }
    }

    /// The processes of a record, as they were found again. None of their exits has been reported yet.
    struct Located: Sendable {
        /// Processes that could be opened, each with its status.
        var found: [(known: KnownProcess, process: ComputeProcess, status: ProcessStatus)] = []
        /// Processes with a known id that no longer exist.
        var lost: [KnownProcess] = []
        /// The verdict on processes without a known id that were not found.
        var missing: [ProcessName: FoundProcess] = [:]

        /// Closes what was opened.
        func close() {
            for (_, process, _) in found { process.handle.close() }
        }

        /// Leaves out the processes whose exit has been reported meanwhile, and closes their handles.
        func without(_ reported: Set<ProcessName>) -> Located {
            for (known, process, _) in found where reported.contains(known.name) { process.handle.close() }
            return Located(
                found: found.filter { !reported.contains($0.known.name) },
                lost: lost.filter { !reported.contains($0.name) }, missing: missing)
        }
    }

    /// How many seconds after its recorded start a process may have been created. The start may be recorded before the
    /// call, which HCS's clients allow four minutes (HostComputeService C.4), and the clock may have been set since. A
    /// process that was created later than this is another one with the same id.
    private static let latestCreation: Int64 = 300
    /// How many seconds before its recorded start a process may seem to have been created: HCS's clock may be coarser,
    /// and a utility VM has a clock of its own. [inf]
    private static let earliestCreation: Int64 = 1

    /// Opens the processes of a record.
    ///
    /// HCS does not know of every process whether it was ever created. After the death of a worker these commands
    /// therefore have no definite outcome on Windows [inf]. An emulator service reports the history of a compute
    /// system, which decides all of them:
    ///  - a `create` or `start` whose worker died while the first process was created, if no listed process can be
    ///    opened: it was never created, or it has ended and is gone with its last handle;
    ///  - an `exec` likewise, or if more than one process matches;
    ///  - all of them if the compute system is gone.
    /// - Parameters:
    ///   - service: what the service reports of the compute system.
    ///   - taken: ids of processes that belong to other entries.
    func locate(
        _ known: [KnownProcess], _ service: Found, taken: Set<UInt32>
    ) throws(HostComputeError) -> Located {
        var located = Located()
        do throws(HostComputeError) {
            for process in known {
                guard let pid = process.pid else { continue }
                if let opened = try reopen(process, pid: pid) {
                    located.found.append(opened)
                } else {
                    located.lost.append(process)
                }
            }
            let hasUnnamed = known.contains { $0.pid == nil }
            let needsDates = located.found.contains { $0.status == .running && $0.known.startedAt != nil }
            guard hasUnnamed || needsDates else { return located }
            let list = if let history = service.history { history.processes } else { try listedProcesses() }
            located.dropReused(list)
            guard hasUnnamed else { return located }
            var taken = taken.union(known.compactMap(\.pid))
            for process in known.filter({ $0.pid == nil }).initialFirst {
                let candidates = list.filter { !taken.contains($0.pid) && mayBe($0, process) }
                if let opened = try search(process, candidates) {
                    taken.insert(opened.process.pid)
                    located.found.append(opened)
                } else {
                    let isKnown = candidates.isEmpty && lacks(process, service)
                    located.missing[process.name] = isKnown ? .neverCreated : .unknown
                }
            }
            return located
        } catch {
            located.close()
            throw error
        }
    }

    /// Whether a process without a candidate was certainly never created.
    private func lacks(_ known: KnownProcess, _ service: Found) -> Bool {
        // A system that was not started has no process.
        service.state == .created || service.history?.lacks(known) == true
    }

    /// The processes that HCS lists, oldest first; empty if the system is gone or in a state without a list.
    private func listedProcesses() throws(HostComputeError) -> [ProcessSummary] {
        do throws(HostComputeError) {
            let properties = try readProperties(PropertyDocuments.query("ProcessList"))
            return PropertyDocuments.processes(properties).oldestFirst
        } catch  where error.isGone || error.isInvalidState {
            return []
        }
    }

    /// Whether a listed process can be the one that is looked for, judged by their times.
    private func mayBe(_ process: ProcessSummary, _ known: KnownProcess) -> Bool {
        guard known.name != .initial, let start = known.startedAt, let created = process.createdAt else { return true }
        return created.seconds >= start.seconds - Self.earliestCreation
    }

    /// Looks for a process without a known id. HCS does not report which process was the first. The oldest one that can
    /// be opened is taken for it, since only processes that were created through HCS can be opened. [inf]
    private func search(
        _ known: KnownProcess, _ candidates: [ProcessSummary]
    ) throws(HostComputeError) -> (KnownProcess, process: ComputeProcess, ProcessStatus)? {
        var only: (KnownProcess, process: ComputeProcess, ProcessStatus)?
        for process in candidates {
            guard let opened = try reopen(known, pid: process.pid) else { continue }
            if known.name == .initial { return opened }
            if let other = only {
                // Two candidates: neither is taken, because it may be the wrong one.
                other.process.handle.close()
                opened.process.handle.close()
                return nil
            }
            only = opened
        }
        return only
    }

    /// - Returns: nil if the process does not exist or was not created through HCS.
    private func reopen(
        _ known: KnownProcess, pid: UInt32
    ) throws(HostComputeError) -> (known: KnownProcess, process: ComputeProcess, status: ProcessStatus)? {
        let raw: UInt
        do throws(HostComputeError) {
            raw = try use("HcsOpenProcess") { system throws(HostComputeError) in
                try context.host.openProcess(system, pid: pid)
            }
        } catch  where error.isGone || error.code == 0x57 {
            return nil
        }
        let process = ComputeProcess(
            known.name, pid: pid, terminal: known.terminal, handle: ComputeHandle(context.host, .process, raw),
            system: self)
        let status = process.ask()
        if status == .gone {
            process.handle.close()
            return nil
        }
        return (known, process, status)
    }

    /// Attaches to the processes that were found, and reports the exits of those that have ended or are lost. It cannot
    /// fail: later checks, or the loss of the service, find what goes wrong from here on.
    /// - Returns: the result of the search for each process.
    func takeUp(_ located: Located, _ former: [ProcessName: OutputGate]) -> [ProcessName: FoundProcess] {
        // The first process comes last, because no other exit may be reported after its own.
        for isInitial in [false, true] {
            for (known, process, status) in located.found where (known.name == .initial) == isInitial {
                takeUp(process, known, status, former[known.name])
            }
            for known in located.lost where (known.name == .initial) == isInitial {
                conclude(known, former[known.name])
            }
        }
        var processes = located.missing
        for (known, process, _) in located.found { processes[known.name] = .found(pid: process.pid) }
        return processes
    }

    private func takeUp(
        _ process: ComputeProcess, _ known: KnownProcess, _ status: ProcessStatus, _ former: OutputGate?
    ) {
        attach(process, known, former)
        if process.concludeFound(status, .restore) { return }
        adopt(process)
        do throws(HostComputeError) {
            try process.handle.register(process)
        } catch {
            later { process.concludeIfGone() }
        }
    }

    /// Reports the exit of a process that no longer exists as lost.
    private func conclude(_ known: KnownProcess, _ former: OutputGate?) {
        let gate = OutputGate(known.output)
        if let former { gate.resume(former) }
        for stream in known.terminal ? [OutputStream.stdout] : [.stdout, .stderr] { gate.end(stream) }
        let exit = Exit.unknown(reason: .lost, at: .now, observedBy: .restore)
        // Recorded before it is reported, because the receiver may call the driver at once.
        note(exit, of: known.name)
        context.events?.processExited(id, known.name, exit)
    }

    /// Attaches to those streams of a process that HCS hands out again. A stream that cannot be opened is reported as
    /// lost; it ends with the process's exit.
    private func attach(_ process: ComputeProcess, _ known: KnownProcess, _ former: OutputGate?) {
        let gate = OutputGate(known.output)
        if let former { gate.resume(former) }
        let failure: HostComputeError?
        do throws(HostComputeError) {
            let information = try process.handle.use("HcsGetProcessInfo") { raw throws(HostComputeError) in
                try context.host.information(ofProcess: raw)
            }
            failure = process.attach(information, output: gate)
        } catch {
            failure = error
            process.loseStreams(gate)
        }
        // If the service has gone, the streams are opened again when it is back.
        if let failure, !failure.isServiceGone {
            let lost = process.lostOutputs
            for stream in lost { gate.lose(stream) }
            withState { $0.warnings.append("\(failure.failure("the streams of \(process.subject)").message)") }
        }
        // A stream that was never requested ends at once.
        for stream in process.missingOutputs { gate.end(stream) }
    }
}

extension [KnownProcess] {
    /// The first process, and then the others.
    fileprivate var initialFirst: [KnownProcess] { filter { $0.name == .initial } + filter { $0.name != .initial } }
}

extension ComputeSystem.Located {
    /// Moves processes whose id now belongs to another process from found to lost.
    fileprivate mutating func dropReused(_ list: [ProcessSummary]) {
        let created = Dictionary(list.map { ($0.pid, $0.createdAt) }, uniquingKeysWith: { first, _ in first })
        let isReused = { (known: KnownProcess, pid: UInt32) in
            guard let start = known.startedAt, let created = created[pid] ?? nil else { return false }
            return created.seconds > start.seconds + ComputeSystem.latestCreation
        }
        for (known, process, _) in found where isReused(known, process.pid) {
            process.handle.close()
            lost.append(known)
        }
        found.removeAll { isReused($0.known, $0.process.pid) }
    }
}
