import ContainerDriver
import ContainerModel

/// What is kept of an open compute system when it is opened again.
extension ComputeSystem {
    /// Separates the processes of a record by whether this system has them open.
    /// - Returns: the ids of the open processes, and the missing ones; neither has those whose exit was reported.
    func split(_ known: [KnownProcess]) -> (here: [ProcessName: UInt32], missing: [KnownProcess]) {
        let (processes, ended) = withState { state in
            (state.processes.filter { !$0.isConcluded }, state.ended + (state.initialExit == nil ? [] : [.initial]))
        }
        let here = Dictionary(processes.map { ($0.name, $0.pid) }, uniquingKeysWith: { _, last in last })
        return (here, known.filter { here[$0.name] == nil && !ended.contains($0.name) })
    }

    /// The processes of a record and those that only this system has. Its ids overrule those of the record.
    func merged(_ known: [KnownProcess]) -> [KnownProcess] {
        var (here, merged) = split(known)
        for process in withState({ $0.processes }) {
            guard let pid = here.removeValue(forKey: process.name) else { continue }
            let record = known.first { $0.name == process.name }
            guard let output = record?.output ?? process.output else { continue }
            merged.append(
                KnownProcess(
                    name: process.name, pid: pid, terminal: record?.terminal ?? process.terminal,
                    startedAt: record?.startedAt, output: output))
        }
        return merged
    }

    /// Closes everything without reporting an exit. Used when the service has gone and a new object replaces this one.
    /// - Returns: the processes whose exit this object has reported or is reporting, and the outputs of the others.
    func handOver() -> (reported: Set<ProcessName>, gates: [ProcessName: OutputGate]) {
        var reported: Set<ProcessName> = []
        var gates: [ProcessName: OutputGate] = [:]
        for process in withState({ $0.processes }) {
            guard process.silence() else {
                reported.insert(process.name)
                continue
            }
            process.output?.close()
            gates[process.name] = process.output
        }
        // Processes whose report was completed meanwhile are no longer in the list.
        reported.formUnion(withState { $0.ended + ($0.initialExit == nil ? [] : [.initial]) })
        close()
        return (reported, gates)
    }

    /// Copies from the former object what HCS does not report.
    func inherit(_ former: ComputeSystem) {
        let (directory, endpoints, ended, initialExit, hasFirst) = former.withState { state in
            (state.directory, state.endpoints, state.ended, state.initialExit, state.hasFirstProcess)
        }
        withState { state in
            state.directory = directory
            state.endpoints = endpoints
            state.ended = ended
            state.initialExit = initialExit
            state.hasFirstProcess = hasFirst
        }
    }
}

extension HostComputeError {
    /// The service has gone, and every handle with it (HostComputeService H).
    var isServiceGone: Bool {
        switch code {
        case 0x6BA, 0x6BE, 0x6BF, 0x8037_011E: true
        default: reason == .disconnected
        }
    }
}
