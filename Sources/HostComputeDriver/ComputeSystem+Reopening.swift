import ContainerDriver
import ContainerProtocol

/// What is kept of a compute system that is open already when it is opened again.
extension ComputeSystem {
    /// Separates the processes of a record by whether this system has them.
    /// - Returns: the ids of those that it has, and those that it lacks; without those whose exit it has told.
    func split(_ known: [KnownProcess]) -> (here: [ProcessName: UInt32], missing: [KnownProcess]) {
        let (processes, ended) = withState { state in
            (state.processes.filter { !$0.isConcluded }, state.ended + (state.initialExit == nil ? [] : [.initial]))
        }
        let here = Dictionary(processes.map { ($0.name, $0.pid) }, uniquingKeysWith: { _, last in last })
        return (here, known.filter { here[$0.name] == nil && !ended.contains($0.name) })
    }

    /// The processes of a record, and those that this system has besides: it knows better what their ids are.
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

    /// The service has gone, and another record takes this one's place: lets go of everything without a word.
    /// - Returns: the names of those whose exit this one has told or is telling, and what has come of the others'
    ///   output.
    func handOver() -> (told: Set<ProcessName>, gates: [ProcessName: OutputGate]) {
        var told: Set<ProcessName> = []
        var gates: [ProcessName: OutputGate] = [:]
        for process in withState({ $0.processes }) {
            guard process.silence() else {
                told.insert(process.name)
                continue
            }
            process.output?.close()
            gates[process.name] = process.output
        }
        // Those that were told in full meanwhile are not among the processes any more.
        told.formUnion(withState { $0.ended + ($0.initialExit == nil ? [] : [.initial]) })
        close()
        return (told, gates)
    }

    /// What this side knows of the system and HCS does not tell.
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
