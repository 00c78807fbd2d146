extension Method {
    /// Everything that is known of the method besides its parameters.
    public var traits: MethodTraits {
        switch self {
        case .ping: MethodTraits(.asks, .immediate, .observer, isAlwaysAnswered: true)
        case .version: MethodTraits(.asks, .immediate, .observer, isAlwaysAnswered: true)
        case .health: MethodTraits(.asks, .immediate, .observer, isAlwaysAnswered: true)
        case .state: MethodTraits(.asks, .immediate, .observer)
        case .list: MethodTraits(.asks, .immediate, .observer)
        case .stats: MethodTraits(.asks, .immediate, .observer)
        case .pids: MethodTraits(.asks, .immediate, .observer)
        case .summary: MethodTraits(.asks, .immediate, .observer)
        case .logs: MethodTraits(.asks, .immediate, .observer)
        case .events: MethodTraits(.asks, .immediate, .observer)
        case .snapshot: MethodTraits(.asks, .immediate, .observer, countsEvents: true)

        case .wait: MethodTraits(.follows, .immediate, .observer, waitsForExit: true)
        case .attach: MethodTraits(.follows, .immediate, .scheduler)
        case .credit: MethodTraits(.follows, .immediate, .scheduler)
        case .detach: MethodTraits(.follows, .immediate, .scheduler)

        case .create: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .start: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .exec: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .pause: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .resume: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .restore: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .update: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .checkpointCreate: MethodTraits(.changesContainer, .mutating, .scheduler)
        case .checkpointDelete: MethodTraits(.changesContainer, .mutating, .scheduler)
        // It lists what those before it have made, so it waits for its turn. It changes nothing.
        case .checkpointList: MethodTraits(.asks, .mutating, .scheduler)
        case .delete: MethodTraits(.changesContainer, .mutating, .scheduler)

        case .signal: MethodTraits(.changesContainer, .immediate, .scheduler, isRepeatHarmless: false)
        case .signalProcess: MethodTraits(.changesContainer, .immediate, .scheduler, isRepeatHarmless: false)
        case .stop: MethodTraits(.changesContainer, .immediate, .scheduler, waitsForExit: true)
        case .resize: MethodTraits(.changesContainer, .immediate, .scheduler)
        // With an `offset` a repeat is harmless. Without one it is not.
        case .stdin: MethodTraits(.changesContainer, .immediate, .scheduler, isRepeatHarmless: false)

        case .drain: MethodTraits(.changesHost, .immediate, .admin)
        case .keysList: MethodTraits(.asks, .immediate, .admin)
        case .keysReload: MethodTraits(.changesHost, .immediate, .admin)
        }
    }
}
