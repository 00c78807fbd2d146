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

        /// Should HCS name no runtime image of a utility VM, the record knows that it was one.
        func isolation(_ known: KnownContainer) -> Isolation { known.canPause == true ? .hyperV : isolation }

        var state: OpenedContainer.State {
            if stopped { return .stopped }
            if !started { return .created }
            return paused ? .paused : .running
        }
    }

    /// The processes of a record, as they were found again. Nothing has been told of them yet.
    struct Located: Sendable {
        /// Those that HCS let be opened, each with what HCS says of it.
        var found: [(known: KnownProcess, process: ComputeProcess, status: ProcessStatus)] = []
        /// Those whose id is known and that are not there.
        var lost: [KnownProcess] = []
        /// What can be said of those whose id is not known and that were not found.
        var missing: [ProcessName: FoundProcess] = [:]

        /// Closes what was opened.
        func close() {
            for (_, process, _) in found { process.handle.close() }
        }

        /// Those whose exit has not been told meanwhile.
        func without(_ told: Set<ProcessName>) -> Located {
            for (known, process, _) in found where told.contains(known.name) { process.handle.close() }
            return Located(
                found: found.filter { !told.contains($0.known.name) }, lost: lost.filter { !told.contains($0.name) },
                missing: missing)
        }
    }

    /// How much later than its start a process may have been created. The time of a start may be that before the call,
    /// which HCS's clients give four minutes (HostComputeService C.4), and the clock may have been set since: what was created
    /// later still is another process that got the same id.
    private static let latestCreation: Int64 = 300
    /// How much earlier a process may seem to have been created than it was about to be: HCS's clock may be coarser, and
    /// a utility VM has one of its own. [inf]
    private static let earliestCreation: Int64 = 1

    /// Opens the processes of a record.
    ///
    /// HCS itself cannot say of every process whether it was ever created, so after the death of a worker these commands
    /// end without a definite answer on Windows [inf]; an emulator service, which tells the history of a compute system,
    /// leaves none of them:
    ///  - a `create` or `start` whose worker died while the first process was created, where the list of processes
    ///    shows none that can be opened: it was never created, or has ended and is gone with its last handle;
    ///  - an `exec` likewise, or where more than one process may be the one;
    ///  - all of them where the compute system is gone.
    /// - Parameters:
    ///   - service: what the service says of the compute system.
    ///   - taken: ids of processes that are none of theirs.
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

    /// Whether a process that is not among those that may be it was never created.
    private func lacks(_ known: KnownProcess, _ service: Found) -> Bool {
        // A system that was not started has no process.
        service.state == .created || service.history?.lacks(known) == true
    }

    /// The processes that HCS lists, the oldest first; none where it is too late to ask.
    private func listedProcesses() throws(HostComputeError) -> [ProcessSummary] {
        do throws(HostComputeError) {
            let properties = try readProperties(PropertyDocuments.query("ProcessList"))
            return PropertyDocuments.processes(properties).oldestFirst
        } catch  where error.isGone || error.isInvalidState {
            return []
        }
    }

    /// Whether a process that is listed may be the one that is looked for, as far as the times of the two say.
    private func mayBe(_ process: ProcessSummary, _ known: KnownProcess) -> Bool {
        guard known.name != .initial, let start = known.startedAt, let created = process.createdAt else { return true }
        return created.seconds >= start.seconds - Self.earliestCreation
    }

    /// Looks for a process of which only its place is known. HCS does not say which process was the first; it is taken
    /// to be the oldest that HCS lets be opened, since only those that were made through it can be. [inf]
    private func search(
        _ known: KnownProcess, _ candidates: [ProcessSummary]
    ) throws(HostComputeError) -> (KnownProcess, process: ComputeProcess, ProcessStatus)? {
        var only: (KnownProcess, process: ComputeProcess, ProcessStatus)?
        for process in candidates {
            guard let opened = try reopen(known, pid: process.pid) else { continue }
            if known.name == .initial { return opened }
            if let other = only {
                // Two that may be it: none is, rather than the wrong one.
                other.process.handle.close()
                opened.process.handle.close()
                return nil
            }
            only = opened
        }
        return only
    }

    /// - Returns: nil where it is not there, or is not one of HCS's own.
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

    /// Attaches to the processes that were found, and tells the exits that are to be told. It can't fail: what goes wrong
    /// from here on is found by asking, or when the service is lost.
    /// - Returns: what became of them.
    func takeUp(_ located: Located, _ former: [ProcessName: OutputGate]) -> [ProcessName: FoundProcess] {
        // The first process comes last: no exit of another one is told after its own.
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

    /// Tells the exit of a process that is not there any more.
    private func conclude(_ known: KnownProcess, _ former: OutputGate?) {
        let gate = OutputGate(known.output)
        if let former { gate.resume(former) }
        for stream in known.terminal ? [OutputStream.stdout] : [.stdout, .stderr] { gate.end(stream) }
        let exit = Exit.unknown(reason: .lost, at: .now, observedBy: .restore)
        // Known before it is told: who hears of it may ask at once.
        note(exit, of: known.name)
        context.events?.processExited(id, known.name, exit)
    }

    /// Takes up the streams of a process, as far as HCS hands them out again. What runs on unread is reported as lost, and
    /// its end is not invented: it comes with the process's exit.
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
        // Where the service has gone, they are looked for again when it is back.
        if let failure, !failure.isServiceGone {
            let lost = process.lostOutputs
            for stream in lost { gate.lose(stream) }
            withState { $0.warnings.append("\(failure.failure("the streams of \(process.subject)").message)") }
        }
        // What was never asked for has nothing to say.
        for stream in process.missingOutputs { gate.end(stream) }
    }
}

extension [KnownProcess] {
    /// The first process, and then the others.
    fileprivate var initialFirst: [KnownProcess] { filter { $0.name == .initial } + filter { $0.name != .initial } }
}

extension ComputeSystem.Located {
    /// Takes out those whose id stands for another process by now.
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
