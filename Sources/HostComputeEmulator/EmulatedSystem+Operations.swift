import CHostCompute
import ContainerModel
import Glibc
import Synchronization

/// Create, start, pause and resume: accepted here, completed on another thread.
extension EmulatedSystem {
    func pause() throws(HostFailure) -> HcsResult {
        // The state is asked first: that process isolation then answers "not supported" is inference.
        let phase = phase
        if phase == .running, !document.hyperV {
            throw HostFailure(
                code: ResultCode.notSupported, message: "Process isolation cannot be paused; Hyper-V isolation can.")
        }
        return try run(.pause)
    }

    /// Accepts the operation and completes it later, or at once if faults or settings demand it.
    func run(_ operation: Operation) throws(HostFailure) -> HcsResult {
        let phases = operation.phases
        try state.withLock { (state) throws(HostFailure) in
            guard state.phase == phases.from else {
                throw state.phase == .stopped ? HostFailure.alreadyStopped : .invalidState(state.phase)
            }
            state.phase = phases.through
        }
        let effects = service.faults.strike(operation.call, id) { (effect) -> Fault.Effect? in
            switch effect {
            case .holdCompletion, .failCompletion, .neverComplete, .completeAtOnce, .exitBeforeReturn: effect
            default: nil
            }
        }
        var failure: HcsResult?
        var stall: Stall?
        var atOnce = settings.completesAtOnce
        for effect in effects {
            switch effect {
            case .holdCompletion(let held): stall = held
            case .failCompletion(let code): failure = code
            case .completeAtOnce: atOnce = true
            case .exitBeforeReturn:
                endUnexpectedly()
                return ResultCode.pending
            case .neverComplete: return ResultCode.pending
            default: break
            }
        }
        if atOnce {
            if settle(operation, failure: failure, notify: false) { deliver() }
            return failure ?? ResultCode.success
        }
        service.pool.submit { [self, failure, stall] in
            stall?.hold()
            if settle(operation, failure: failure, notify: true) { deliver() }
        }
        return ResultCode.pending
    }

    /// Completes the operation; true when the caller has to empty the line.
    private func settle(_ operation: Operation, failure: HcsResult?, notify: Bool) -> Bool {
        let phases = operation.phases
        if failure == nil {
            switch operation {
            case .pause: signalFamily(SIGSTOP)
            case .resume: signalFamily(SIGCONT)
            case .create, .start: break
            }
        }
        let (deliver, gone) = state.withLock { state -> (Bool, Bool) in
            var status = failure ?? ResultCode.success
            if state.phase != phases.through {
                // It ended meanwhile.
                status = operation == .start ? ResultCode.terminatedDuringStart : ResultCode.terminated
            } else if failure == nil {
                state.phase = phases.to
            } else {
                state.phase = operation == .create ? .stopped : phases.from
            }
            if operation == .start, state.phase == .running { state.startedAt = .now }
            // Its last process may have been killed while it was paused.
            if document.servicing { state.endAfterLastProcess() }
            if operation == .create, notify { state.createStatus = status }
            if notify {
                state.broadcast(EmulatedNotification(type: operation.completion, status: status), service.faults, id)
            }
            return (state.claimLine(), state.claimGone())
        }
        if gone { service.forget(self) }
        if document.servicing { _ = finishIfEnded() }
        return deliver
    }
}
