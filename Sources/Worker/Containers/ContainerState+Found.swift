import ContainerDriver
import ContainerModel

/// What the host has of a container that this worker, or one before it, knew.
extension ContainerState {
    enum Found: Sendable, Equatable {
        case created
        /// Its compute system runs, and this became of its first process; where it was found, it runs, or has ended and
        /// that will be reported.
        case running(FoundProcess)
        case paused(FoundProcess)
        /// The host does not have it any more.
        case gone
    }

    /// Brings what is known into line with what the host has: what happened unseen becomes the event that was missed.
    mutating func reconcile(_ found: Found) -> [Action] {
        switch phase {
        case .new, .gone: return []
        case .creating: return reconcileCreation(found)
        case .created: return reconcileCreated(found)
        case .starting: return reconcileStart(found)
        case .running, .paused: return reconcileRunning(found)
        case .goingDown:
            if found == .gone { return wentDown(false) }
            return [.drive(.shutDown)] + (isDeletedOnceDown ? [.drive(.terminate)] : [])
        case .stopped: return []
        case .discarding: return [.drive(.discard)]
        }
    }

    /// The worker died while the compute system was made.
    private mutating func reconcileCreation(_ found: Found) -> [Action] {
        switch found {
        case .gone:
            phase = .gone
            return [.fail, .forget]
        case .created, .running(.neverCreated), .paused(.neverCreated):
            phase = .created
            return [.publish(.create), .succeed]
        case .running, .paused:
            // It was to be started at once, and was.
            phase = .starting
            return [.publish(.create)] + reconcileStart(found)
        }
    }

    private mutating func reconcileCreated(_ found: Found) -> [Action] {
        switch found {
        case .created, .running(.neverCreated), .paused(.neverCreated): return [.publish(.restore)]
        case .running, .paused:
            phase = .starting
            return reconcileStart(found)
        // No process ran, but subscribers need the event that it is gone (the reason `lost` of Protocol.md).
        case .gone: return lose()
        }
    }

    /// The worker died while the first process was started.
    private mutating func reconcileStart(_ found: Found) -> [Action] {
        switch found {
        case .created, .running(.neverCreated), .paused(.neverCreated): return [.drive(.start)]
        case .running(.found(let pid)): return started(pid) + [.publish(.restore, process: .initial, pid: pid)]
        case .paused(.found(let pid)):
            let begun = started(pid)
            if phase == .running { phase = .paused }
            return begun + [.publish(.restore, process: .initial, pid: pid)]
        case .running, .paused, .gone:
            // It is not known whether the first process ran, so it is not run a second time.
            phase = .discarding
            exit = .unknown(reason: .startFailed, at: .now, observedBy: .restore)
            isDiscardedForFailedStart = true
            return [.drive(.discard)]
        }
    }

    private mutating func reconcileRunning(_ found: Found) -> [Action] {
        switch found {
        case .running:
            let wasPaused = phase == .paused
            phase = .running
            return [.publish(.restore, process: .initial, pid: pid)] + (wasPaused ? [.publish(.resume)] : [])
                + (isDeletedOnceDown ? [.drive(.terminate)] : [])
        case .paused:
            let wasPaused = phase == .paused
            phase = .paused
            return [.publish(.restore, process: .initial, pid: pid)] + (wasPaused ? [] : [.publish(.pause)])
                + (isDeletedOnceDown ? [.drive(.terminate)] : [])
        case .created, .gone: return lose()
        }
    }

    /// The host lost it, and how it ended is unknown.
    private mutating func lose() -> [Action] {
        seenExit = seenExit ?? .unknown(reason: .lost, at: .now, observedBy: .restore)
        phase = .goingDown
        return wentDown(false)
    }
}
