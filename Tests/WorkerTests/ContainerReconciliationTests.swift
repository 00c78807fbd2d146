import ContainerDriver
import ContainerModel
import MessagePack
import Testing

@testable import Worker

/// What is known of a container, brought into line with what the host has: every phase and every answer of the host.
struct ContainerReconciliationTests {
    typealias Found = ContainerState.Found
    typealias Phase = ContainerState.Phase

    static let name = ContainerStateTests.name
    static let exit = ContainerStateTests.exit

    /// What the host may have, in every phase: the phase it leads to.
    ///
    ///                new  creating created starting running paused goingDown stopped discarding gone
    static let findings: [(Found, String)] = [
        (.created, "new created created starting stopped stopped goingDown stopped discarding gone"),
        (.running(.found(pid: 7)), "new running running running running running goingDown stopped discarding gone"),
        (.running(.neverCreated), "new created created starting running running goingDown stopped discarding gone"),
        (.running(.unknown), "new discarding discarding discarding running running goingDown stopped discarding gone"),
        (.paused(.found(pid: 7)), "new paused paused paused paused paused goingDown stopped discarding gone"),
        (.paused(.neverCreated), "new created created starting paused paused goingDown stopped discarding gone"),
        (.paused(.unknown), "new discarding discarding discarding paused paused goingDown stopped discarding gone"),
        (.gone, "new gone stopped discarding stopped stopped stopped stopped discarding gone"),
    ]

    /// How many times what is published is of `kind`.
    private func count(_ kind: Event.Kind, _ actions: [ContainerState.Action]) -> Int {
        actions.count { if case .publish(kind, _, _, _) = $0 { true } else { false } }
    }

    /// The one exit that is published.
    private func told(_ actions: [ContainerState.Action]) throws -> Exit {
        let exits = actions.compactMap { action -> Exit? in
            if case .publish(.exit, _, _, let exit) = action { exit } else { nil }
        }
        #expect(exits.count == 1)
        return try #require(exits.first)
    }

    @Test(arguments: findings) func everyFindingInEveryPhase(_ found: Found, _ row: String) throws {
        let cells = row.split(separator: " ")
        #expect(cells.count == Phase.allCases.count)
        for (phase, cell) in zip(Phase.allCases, cells) {
            var state = try ContainerStateTests.state(phase)
            let before = state
            let actions = try state.apply(.found(found))
            let comment = Comment("\(found) in \(phase)")
            #expect("\(state.phase)" == cell, comment)
            // Nothing is told twice: what had been created, started or ended before is not again.
            #expect(count(.create, actions) == (phase == .creating && cell != "gone" ? 1 : 0), comment)
            let isStart = [.creating, .created, .starting].contains(phase) && ["running", "paused"].contains(cell)
            #expect(count(.start, actions) == (isStart ? 1 : 0), comment)
            #expect(count(.exit, actions) == (phase != .stopped && cell == "stopped" ? 1 : 0), comment)
            #expect(count(.restore, actions) <= 1, comment)
            if state.isLive { #expect(count(.restore, actions) == 1 && state.pid == 7, comment) }
            if phase == .new || phase == .stopped || phase == .gone {
                #expect(actions == [] && state == before, comment)
            }
        }
    }

    @Test(arguments: Phase.allCases) func askingTwiceTellsNothingNew(_ phase: Phase) throws {
        for found in ContainerReconciliationTests.findings.map(\.0) {
            var state = try ContainerStateTests.state(phase)
            _ = try state.apply(.found(found))
            let settled = state
            let actions = try state.apply(.found(found))
            #expect(state == settled, "\(found) in \(phase)")
            for kind in Event.Kind.allCases where kind != .restore {
                #expect(count(kind, actions) == 0, "\(kind) after \(found) in \(phase)")
            }
        }
    }

    // MARK: Created and started

    /// The worker may have died between the start of the compute system and that of its first process.
    @Test(arguments: [Found.created, .running(.neverCreated)])
    func whatWasCreatedAndNotAcknowledgedIsThere(_ found: Found) throws {
        var state = try ContainerStateTests.state(.creating)
        #expect(try state.apply(.found(found)) == [.publish(.create), .succeed])
        #expect(state.wire == .created)
    }

    @Test func whatWasNotCreatedLeavesNothing() throws {
        var state = try ContainerStateTests.state(.creating)
        #expect(try state.apply(.found(.gone)) == [.fail, .forget])
    }

    @Test func whatWasCreatedAndStartedInOneIsToldInOrder() throws {
        var state = try ContainerStateTests.state(.creating)
        #expect(
            try state.apply(.found(.running(.found(pid: 7)))) == [
                .publish(.create), .publish(.start, process: .initial, pid: 7), .succeed,
                .publish(.restore, process: .initial, pid: 7),
            ])
    }

    @Test(arguments: [Phase.creating, .starting])
    func anExitThatIsToldBeforeTheFindingComesAfterTheStart(_ phase: Phase) throws {
        var state = try ContainerStateTests.state(phase)
        #expect(try state.apply(.exited(.initial, ContainerReconciliationTests.exit)) == [])
        let actions = try state.apply(.found(.running(.found(pid: 7))))
        #expect(state.phase == .goingDown && actions.contains(.drive(.shutDown)))
        #expect(count(.start, actions) == 1)
        #expect(try told(state.apply(.wentDown(updatePending: false))) == ContainerReconciliationTests.exit)
    }

    @Test(arguments: [Found.created, .running(.neverCreated)])
    func aStartThatWasNotMadeIsMade(_ found: Found) throws {
        var state = try ContainerStateTests.state(.starting)
        #expect(try state.apply(.found(found)) == [.drive(.start)])
        #expect(try state.apply(.started(pid: 9)).contains(.publish(.start, process: .initial, pid: 9)))
    }

    @Test(arguments: [Found.running(.unknown), .paused(.unknown), .gone])
    func aStartOfWhichNothingIsKnownIsNotMadeAgain(_ found: Found) throws {
        var state = try ContainerStateTests.state(.starting)
        #expect(try state.apply(.found(found)) == [.drive(.discard)])
        let actions = try state.apply(.discarded)
        guard case .publish(.delete, _, _, let exit?)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(exit.reason == .startFailed && !exit.known && exit.observedBy == .restore)
        #expect(actions.dropFirst() == [.fail, .forget])
    }

    // MARK: Running and gone

    @Test(arguments: [Phase.created, .running, .paused]) func whatIsGoneIsToldAsLost(_ phase: Phase) throws {
        var state = try ContainerStateTests.state(phase)
        let actions = try state.apply(.found(.gone))
        let exit = try told(actions)
        #expect(exit.reason == .lost && !exit.known && exit.code == 1 << 31 && exit.observedBy == .restore)
        #expect(state.phase == .stopped && state.exit == exit)
        // It is on the host no longer, and is deleted as any other.
        #expect(try state.apply(.delete(force: false)) == [.drive(.discard)])
    }

    @Test func whatRanInAContainerThatIsGoneEndsBeforeIt() throws {
        var state = try ContainerStateTests.state(.running)
        _ = try state.apply(.exec(ContainerReconciliationTests.name))
        _ = try state.apply(.execStarted(ContainerReconciliationTests.name, pid: 8))
        let actions = try state.apply(.found(.gone))
        guard actions.count == 2, case .publish(.execExit, _, 8, let exit?) = actions[0],
            case .publish(.exit, _, 7, _) = actions[1]
        else {
            Issue.record("\(actions)")
            return
        }
        #expect(!exit.known)
    }

    @Test func aPauseAndAResumeBehindItsBackAreTold() throws {
        let back = ContainerState.Action.publish(.restore, process: .initial, pid: 7)
        var state = try ContainerStateTests.state(.running)
        #expect(try state.apply(.found(.paused(.found(pid: 7)))) == [back, .publish(.pause)])
        #expect(try state.apply(.found(.paused(.found(pid: 7)))) == [back])
        #expect(try state.apply(.found(.running(.found(pid: 7)))) == [back, .publish(.resume)])
        #expect(try state.apply(.found(.running(.found(pid: 7)))) == [back])
    }

    // MARK: On the way down

    @Test(arguments: [Phase.running, .paused]) func aForcedDeleteGoesOn(_ phase: Phase) throws {
        var state = try ContainerStateTests.state(phase)
        _ = try state.apply(.delete(force: true))
        let found = phase == .running ? Found.running(.found(pid: 7)) : .paused(.found(pid: 7))
        #expect(try state.apply(.found(found)).last == .drive(.terminate))
        #expect(try state.apply(.exited(.initial, ContainerReconciliationTests.exit)) == [.drive(.shutDown)])
        #expect(try state.apply(.wentDown(updatePending: false)).last == .drive(.discard))
        #expect(try state.apply(.discarded).contains(.succeed))
    }

    @Test func aForcedDeleteOfWhatIsGoneTellsTheExitFirst() throws {
        var state = try ContainerStateTests.state(.running)
        _ = try state.apply(.delete(force: true))
        let actions = try state.apply(.found(.gone))
        #expect(try told(actions).reason == .lost)
        #expect(actions.last == .drive(.discard) && state.phase == .discarding)
    }

    @Test func theWayDownGoesOn() throws {
        var state = try ContainerStateTests.state(.goingDown)
        #expect(try state.apply(.found(.running(.found(pid: 7)))) == [.drive(.shutDown)])
        #expect(try told(state.apply(.wentDown(updatePending: true))) == ContainerReconciliationTests.exit)
        #expect(state.isUpdatePending)
    }

    @Test func theWayDownOfWhatIsDeletedByForceGoesOnToItsEnd() throws {
        var state = try ContainerStateTests.state(.goingDown)
        _ = try state.apply(.delete(force: true))
        #expect(try state.apply(.found(.running(.found(pid: 7)))) == [.drive(.shutDown), .drive(.terminate)])
        let actions = try state.apply(.wentDown(updatePending: false))
        #expect(try told(actions) == ContainerReconciliationTests.exit)
        #expect(actions.last == .drive(.discard))
    }

    @Test func whatWentDownUnseenEndsAsItEnded() throws {
        var state = try ContainerStateTests.state(.goingDown)
        #expect(try told(state.apply(.found(.gone))) == ContainerReconciliationTests.exit)
    }

    @Test func whatIsBeingForgottenIsForgotten() throws {
        for found in ContainerReconciliationTests.findings.map(\.0) {
            var state = try ContainerStateTests.state(.discarding)
            #expect(try state.apply(.found(found)) == [.drive(.discard)])
        }
    }
}
