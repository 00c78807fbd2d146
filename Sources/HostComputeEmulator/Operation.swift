import CHostCompute

/// An operation that moves a compute system from one settled phase to another and is completed by a notification.
enum Operation: Sendable {
    case create, start, pause, resume

    /// The phase that it may begin in, the one it passes through, and the one it ends in.
    var phases: (from: Phase, through: Phase, to: Phase) {
        switch self {
        case .create: (.creating, .creating, .created)
        case .start: (.created, .starting, .running)
        case .pause: (.running, .pausing, .paused)
        case .resume: (.paused, .resuming, .running)
        }
    }

    var call: EmulatorCall {
        switch self {
        case .create: .createComputeSystem
        case .start: .startComputeSystem
        case .pause: .pauseComputeSystem
        case .resume: .resumeComputeSystem
        }
    }

    /// The notification that completes it.
    var completion: UInt32 {
        switch self {
        case .create: NotificationType.systemCreateCompleted
        case .start: NotificationType.systemStartCompleted
        case .pause: NotificationType.systemPauseCompleted
        case .resume: NotificationType.systemResumeCompleted
        }
    }
}
