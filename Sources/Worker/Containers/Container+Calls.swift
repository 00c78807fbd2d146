import ContainerDriver
import ContainerProtocol
import MessagePack

/// How driver calls are made.
extension Container {
    /// A driver call: it runs on a thread that may block.
    typealias Work<Success> = @Sendable (any ContainerDriver) throws(DriverFailure) -> Success
    /// What follows a driver call, on the loop.
    typealias Completion<Success> = (Result<Success, DriverFailure>) -> Void

    /// Makes a call that is in line with the container's others, once its intent is kept.
    func inLine<Success: Sendable>(
        _ kind: CallKind, urgency: DriverCalls.Urgency = .ordinary, _ work: @escaping Work<Success>,
        then: @escaping Completion<Success>
    ) {
        let number = calls.nextInLine()
        announce(number) { [self] in begin(number, kind, urgency, work, then: then) }
    }

    /// Makes a call that is in line with the container's others, once its intent is kept and the host has room for one
    /// more creation.
    /// - Parameter isAnnounced: whether the journal already has the intent of this call.
    func admitted<Success: Sendable>(
        _ kind: CallKind, isAnnounced: Bool = false, _ work: @escaping Work<Success>,
        then: @escaping Completion<Success>
    ) {
        let number = calls.nextInLine()
        let enter = { [self] in
            let place = services.creations.enter { [self] in begin(number, kind, .ordinary, work, then: then) }
            if let place { calls.setBegin(.admission(place), of: number) }
        }
        if isAnnounced { enter() } else { announce(number, enter) }
    }

    /// Begins call `number` in line once the record that announces it is committed. If the worker dies meanwhile, the
    /// next one finds the intent in the record and asks the host for the outcome.
    private func announce(_ number: UInt64, _ begin: @escaping () -> Void) {
        save()
        services.outbox.afterCommit { [self] in
            // It may have been cancelled.
            guard calls.inLine == number else { return }
            services.crash(.intent)
            begin()
        }
    }

    private func begin<Success: Sendable>(
        _ number: UInt64, _ kind: CallKind, _ urgency: DriverCalls.Urgency, _ work: @escaping Work<Success>,
        then: @escaping Completion<Success>
    ) {
        let call = make(number, kind, urgency, work) { [self] result in
            guard !calls.wasGivenUp(number) else { return }
            calls.leaveLine(number)
            then(result)
            shutDownWhenFree()
        }
        calls.setBegin(.call(call), of: number)
    }

    /// Makes a call beside the line when the host has room for one more of its kind.
    /// - Parameter isWanted: whether it is still to be made when its turn comes.
    func limited<Success: Sendable>(
        _ kind: CallKind, if isWanted: @escaping () -> Bool, _ work: @escaping Work<Success>,
        then: @escaping Completion<Success>
    ) {
        let limit = services.limit(kind)
        _ = limit?.enter { [self] in
            guard isWanted() else {
                limit?.leave()
                return
            }
            call(kind, .ordinary, work, then: then)
        }
    }

    /// Makes a call beside the line, whatever else is under way.
    func call<Success: Sendable>(
        _ kind: CallKind, _ urgency: DriverCalls.Urgency, _ work: @escaping Work<Success>,
        then: @escaping Completion<Success>
    ) {
        _ = make(calls.next(), kind, urgency, work, then: then)
    }

    private func make<Success: Sendable>(
        _ number: UInt64, _ kind: CallKind, _ urgency: DriverCalls.Urgency, _ work: @escaping Work<Success>,
        then: @escaping Completion<Success>
    ) -> DriverCall {
        let limit = services.limit(kind)
        let (driver, crashPlan) = (services.driver, services.configuration.crashPlan)
        return services.calls.make(kind, urgency: urgency) { () throws(DriverFailure) in
            let result = try work(driver)
            crashPlan?.reach(.call)
            return result
        } stuck: { [self] isStuck in
            stuckChanged(number, kind, isStuck)
        } then: { [self] result in
            if calls.holdsPlace(number) { limit?.leave() }
            then(result)
            services.crash(.settle)
        }
    }

    private func stuckChanged(_ number: UInt64, _ kind: CallKind, _ isStuck: Bool) {
        calls.note(number, kind, isStuck: isStuck)
        publishStuck(kind, isStuck)
        save()
        reportStanding()
        guard isStuck else { return }
        refuseWaitingCalls(behind: kind)
        // The others may go on; this call keeps its thread only.
        services.limit(kind)?.leave()
        if kind == .create || kind == .start { return }
        if kind == .shutdown {
            // The first process has ended, and no service that hangs may hold back its exit.
            calls.leaveLine(number)
            terminate()
            feed(.wentDown(updatePending: false))
        } else {
            calls.leaveLine(number)
            shutDownWhenFree()
        }
    }

    // MARK: One after another, beside the line

    /// Makes a call that changes a process, after those before it; `responder` gets the answer.
    func control(_ kind: CallKind, _ responder: Responder, _ work: @escaping Work<Void>) {
        let start = { [self] in
            call(kind, .ordinary, work) { [self] result in
                responder.answer(result.map { [:] as Value })
                calls.controls.advance()?()
            }
        }
        switch calls.controls.enter(responder.number, start, refuse: responder.fail) {
        case .start: start()
        case .waits: break
        case .full: responder.fail(tooMany(kind))
        }
    }

    /// Makes a call that only asks, for request `number`, after those before it.
    func query<Success: Sendable>(
        _ kind: CallKind, _ number: UInt64, _ work: @escaping Work<Success>,
        then: @escaping (Result<Success, Failure>) -> Void
    ) {
        let start = { [self] in
            call(kind, .ordinary, work) { [self] result in
                then(result.mapError { Failure($0) })
                calls.queries.advance()?()
            }
        }
        switch calls.queries.enter(number, start, refuse: { then(.failure($0)) }) {
        case .start: start()
        case .waits: break
        case .full: then(.failure(tooMany(kind)))
        }
    }

    /// A call of its line hangs, or (nil) the container is gone: those that wait behind it are answered.
    func refuseWaitingCalls(behind kind: CallKind? = nil) {
        var refusals: [(Failure) -> Void] = []
        switch kind {
        case .signal, .resize: refusals = calls.controls.removeAll()
        case .statistics, .processes: refusals = calls.queries.removeAll()
        case nil: refusals = calls.controls.removeAll() + calls.queries.removeAll()
        default: return
        }
        let failure = Failure(
            .unavailable, "another call for \(id) hangs or the container went away; send this one again",
            retryable: true)
        for refuse in refusals { refuse(failure) }
    }

    private func tooMany(_ kind: CallKind) -> Failure {
        .exhausted("\(CallLine.limit) calls for \(kind.rawValue) of \(id) wait already", retryAfterMilliseconds: 200)
    }
}

extension Responder {
    /// Answers with what a driver call came to.
    func answer(_ result: Result<some WireEncodable, DriverFailure>) {
        switch result {
        case .success(let value): succeed(value)
        case .failure(let failure): fail(Failure(failure))
        }
    }
}
