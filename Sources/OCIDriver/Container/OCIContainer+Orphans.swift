import CLinuxContainers
import ContainerDriver
import ContainerModel
import Glibc

/// What is left to do when a container's supervisor has died: its processes may run on, without input and with broken
/// output.
extension OCIContainer {
    func adoptOrphans() {
        let processes = state.withLock { Array($0.processes.values) }
        for process in processes where !process.isReported { adopt(process) }
    }

    /// Takes from the supervisor's file what it has, and from the kernel what it has not.
    func adopt(_ process: SupervisedProcess, observedBy observer: Exit.Observer = .driver) {
        let spool = paths.spool(process.name)
        let recorded = spool.state()
        if let recorded { process.note(recorded) }
        process.setInput(nil)
        process.readRecorded(spool)
        guard let recorded else { return conclude(process, .unknown(reason: .lost, at: .now, observedBy: observer)) }
        switch recorded.phase {
        case .exited:
            noteExit(recorded, of: process, observedBy: observer)
            process.endOutput(isLost: false)
            settle(process)
        case .running, .created:
            guard let identity = recorded.identity, let descriptor = identity.descriptor() else {
                return conclude(process, .unknown(reason: .lost, at: .now, observedBy: observer))
            }
            watch(process, descriptor, observer)
        case .creating, .failed: conclude(process, .unknown(reason: .lost, at: .now, observedBy: observer))
        }
        state.withLock { _ in }
    }

    /// Waits for the process's end.
    private func watch(_ process: SupervisedProcess, _ descriptor: Int32, _ observer: Exit.Observer) {
        let isWatched = context.reactor.whenReadable(descriptor) { [weak self] descriptor in
            var status: Int32 = 0
            let isKnown = lc_pidfd_status(descriptor, &status) == 1
            guard let self else { return }
            let isTerminated = state.withLock(\.isTerminated)
            conclude(
                process,
                isKnown
                    ? ExitStatus.exit(
                        status, isOutOfMemory: false, isTerminated: isTerminated, at: .now, observedBy: observer)
                    : .unknown(reason: .lost, at: .now, observedBy: observer))
        }
        if !isWatched { conclude(process, .unknown(reason: .lost, at: .now, observedBy: observer)) }
    }

    /// Looks again at processes whose end no one would notice.
    func adoptUnwatched() {
        for process in state.withLock({ Array($0.processes.values) }) where !process.isReported {
            guard process.exit == nil, process.identity?.status == nil else { continue }
            conclude(process, .unknown(reason: .lost, at: .now, observedBy: .poll))
        }
    }

    /// Nothing more is known of a process, and nothing more comes of its output.
    func conclude(_ process: SupervisedProcess, _ exit: Exit? = nil) {
        if let exit { process.note(exit) }
        process.endOutput(isLost: exit != nil)
        process.giveUpOutput()
        settle(process)
        state.withLock { _ in }
    }
}
