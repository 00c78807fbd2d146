import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import Worker

/// The state machine, over every state and input.
struct ContainerStateTests {
    typealias Input = ContainerState.Input
    typealias Phase = ContainerState.Phase

    static let name = ProcessName("p") ?? .initial
    static let exit = Exit(code: 3, reason: .exited, at: .epoch, observedBy: .driver)
    static let failed = Exit.unknown(reason: .startFailed, at: .epoch, observedBy: .worker)

    /// A state in each phase, on the shortest way there.
    static func state(_ phase: Phase) throws -> ContainerState {
        let ways: [Phase: [Input]] = [
            .new: [], .creating: [.create], .created: [.create, .created], .starting: [.create, .created, .start],
            .running: [.create, .created, .start, .started(pid: 7)],
            .paused: [.create, .created, .start, .started(pid: 7), .pause, .paused],
            .goingDown: [.create, .created, .start, .started(pid: 7), .exited(.initial, exit)],
            .stopped: [
                .create, .created, .start, .started(pid: 7), .exited(.initial, exit), .wentDown(updatePending: false),
            ],
            .discarding: [.create, .created, .delete(force: true)],
            .gone: [.create, .createFailed],
        ]
        var state = ContainerState()
        for input in ways[phase] ?? [] { _ = try state.apply(input) }
        #expect(state.phase == phase)
        return state
    }

    /// Every command in every phase: the phase it leads to, or `!` where it is refused.
    ///
    ///                new  creating created starting running paused goingDown stopped discarding gone
    static let commands: [(Input, String)] = [
        (.create, "creating ! ! ! ! ! ! ! ! !"),
        (.start, "! ! starting ! ! ! ! ! ! !"),
        (.exec(name), "! ! ! ! running ! ! ! ! !"),
        (.pause, "! ! ! ! running ! ! ! ! !"),
        (.resume, "! ! ! ! ! paused ! ! ! !"),
        (.update, "! ! created ! running paused ! ! ! !"),
        (.delete(force: false), "! ! discarding ! ! ! ! discarding ! !"),
        (.delete(force: true), "! ! discarding ! running paused goingDown discarding ! !"),
        (.stop, "! ! ! starting running paused goingDown stopped discarding !"),
    ]

    /// What a driver call came to, and what the driver tells, in every phase: the phase it leads to.
    static let answers: [(Input, String)] = [
        (
            .exited(.initial, exit),
            "new creating created starting goingDown goingDown goingDown stopped discarding gone"
        ),
        (.exited(name, exit), "new creating created starting running paused goingDown stopped discarding gone"),
        (.paused, "new creating created starting paused paused goingDown stopped discarding gone"),
        (.resumed, "new creating created starting running running goingDown stopped discarding gone"),
        (.updated, "new creating created starting running paused goingDown stopped discarding gone"),
        (.operationFailed, "new creating created starting running paused goingDown stopped discarding gone"),
        (.execFailed(name), "new creating created starting running paused goingDown stopped discarding gone"),
        (.terminateFailed, "new creating created starting running paused goingDown stopped discarding gone"),
        (
            .wentDown(updatePending: true),
            "new creating created starting running paused stopped stopped discarding gone"
        ),
    ]

    @Test(arguments: commands) func everyCommandInEveryPhase(_ input: Input, _ row: String) throws {
        let cells = row.split(separator: " ")
        #expect(cells.count == Phase.allCases.count)
        for (phase, cell) in zip(Phase.allCases, cells) {
            var state = try ContainerStateTests.state(phase)
            let before = state
            do {
                _ = try state.apply(input)
                #expect("\(state.phase)" == cell, "\(input) in \(phase)")
            } catch {
                #expect(cell == "!", "\(input) in \(phase): \(error)")
                #expect(error.code == .failedPrecondition || error.code == .alreadyExists)
                #expect(state == before, "a refusal changes nothing")
            }
        }
    }

    @Test(arguments: answers) func everyAnswerInEveryPhase(_ input: Input, _ row: String) throws {
        for (phase, cell) in zip(Phase.allCases, row.split(separator: " ")) {
            var state = try ContainerStateTests.state(phase)
            let before = state
            var actions: [ContainerState.Action] = []
            do {
                actions = try state.apply(input)
            } catch {
                #expect(input == .paused || input == .resumed, "\(input) in \(phase)")
                #expect(state == before, "a refusal changes nothing")
            }
            #expect("\(state.phase)" == cell, "\(input) in \(phase)")
            // An exit is told only by the way down, and never twice.
            let exits = actions.count { if case .publish(.exit, _, _, _) = $0 { true } else { false } }
            #expect(exits == (phase == .goingDown && cell == "stopped" ? 1 : 0), "\(input) in \(phase)")
        }
    }

    @Test func aFailedCreateLeavesNothing() throws {
        var state = try ContainerStateTests.state(.creating)
        #expect(try state.apply(.createFailed) == [.fail, .forget])
    }

    @Test func aFailedStartLeavesNothing() throws {
        var state = try ContainerStateTests.state(.starting)
        #expect(try state.apply(.startFailed(ContainerStateTests.failed)) == [.drive(.discard)])
        #expect(try state.apply(.discarded) == [.publish(.delete, exit: ContainerStateTests.failed), .fail, .forget])
    }

    @Test func aFailedStartThatCannotBeDiscardedCanBeDeletedLater() throws {
        var state = try ContainerStateTests.state(.starting)
        _ = try state.apply(.startFailed(ContainerStateTests.failed))
        #expect(try state.apply(.discardFailed) == [.fail])
        #expect(try state.apply(.delete(force: false)) == [.drive(.discard)])
        #expect(try state.apply(.discarded).contains(.succeed))
    }

    @Test func anExitThatBeatsTheStartIsToldAfterIt() throws {
        var state = try ContainerStateTests.state(.starting)
        #expect(try state.apply(.exited(.initial, ContainerStateTests.exit)) == [])
        #expect(
            try state.apply(.started(pid: 7)) == [
                .publish(.start, process: .initial, pid: 7), .succeed, .drive(.shutDown),
            ])
        #expect(
            try state.apply(.wentDown(updatePending: true)) == [
                .publish(.exit, process: .initial, pid: 7, exit: ContainerStateTests.exit)
            ])
        #expect(state.isUpdatePending)
    }

    @Test func anExecsExitThatBeatsItsStartIsToldAfterIt() throws {
        var state = try ContainerStateTests.state(.running)
        _ = try state.apply(.exec(ContainerStateTests.name))
        #expect(try state.apply(.exited(ContainerStateTests.name, ContainerStateTests.exit)) == [])
        #expect(
            try state.apply(.execStarted(ContainerStateTests.name, pid: 8)) == [
                .publish(.exec, process: ContainerStateTests.name, pid: 8), .succeed,
                .publish(.execExit, process: ContainerStateTests.name, pid: 8, exit: ContainerStateTests.exit),
            ])
    }

    @Test func anExecThatTheDriverDidNotTellOfEndsBeforeItsContainer() throws {
        var state = try ContainerStateTests.state(.running)
        _ = try state.apply(.exec(ContainerStateTests.name))
        _ = try state.apply(.execStarted(ContainerStateTests.name, pid: 8))
        _ = try state.apply(.exited(.initial, ContainerStateTests.exit))
        let actions = try state.apply(.wentDown(updatePending: false))
        guard actions.count == 2, case .publish(.execExit, _, 8, let exit?) = actions[0],
            case .publish(.exit, _, 7, _) = actions[1]
        else {
            Issue.record("\(actions)")
            return
        }
        #expect(!exit.known && exit.code == .max)
    }

    @Test func anExecThatComesBackAfterTheEndIsNotToldOf() throws {
        var state = try ContainerStateTests.state(.running)
        _ = try state.apply(.exec(ContainerStateTests.name))
        _ = try state.apply(.exited(.initial, ContainerStateTests.exit))
        _ = try state.apply(.wentDown(updatePending: false))
        #expect(try state.apply(.execStarted(ContainerStateTests.name, pid: 8)) == [.fail])
    }

    @Test func exitsAreToldOnce() throws {
        var state = try ContainerStateTests.state(.goingDown)
        #expect(try state.apply(.exited(.initial, ContainerStateTests.exit)) == [])
        _ = try state.apply(.wentDown(updatePending: false))
        #expect(try state.apply(.exited(.initial, ContainerStateTests.exit)) == [])
        #expect(try state.apply(.wentDown(updatePending: false)) == [])
    }

    @Test func anExitDuringAPauseIsAllThatIsTold() throws {
        var state = try ContainerStateTests.state(.running)
        _ = try state.apply(.pause)
        #expect(try state.apply(.exited(.initial, ContainerStateTests.exit)) == [.drive(.shutDown)])
        // It was once answered as if that could not be said.
        let refusal = try #require(throws: ContainerState.Refusal.self) { try state.apply(.paused) }
        #expect(refusal.code == .failedPrecondition)
        #expect(state.phase == .goingDown)
    }

    @Test func aForcedDeleteTellsTheExitFirst() throws {
        var state = try ContainerStateTests.state(.running)
        #expect(try state.apply(.delete(force: true)) == [.drive(.terminate)])
        #expect(try state.apply(.exited(.initial, ContainerStateTests.exit)) == [.drive(.shutDown)])
        #expect(
            try state.apply(.wentDown(updatePending: false)) == [
                .publish(.exit, process: .initial, pid: 7, exit: ContainerStateTests.exit), .drive(.discard),
            ])
        #expect(
            try state.apply(.discarded) == [.publish(.delete, exit: ContainerStateTests.exit), .succeed, .forget])
    }

    @Test func aTerminationThatFailsLeavesARunningContainer() throws {
        var state = try ContainerStateTests.state(.running)
        _ = try state.apply(.delete(force: true))
        #expect(state.wire == .stopping)
        #expect(try state.apply(.terminateFailed) == [.fail])
        #expect(state.wire == .running)
    }

    @Test func whatStopsTakesNoMoreWork() throws {
        for input in [Input.exec(ContainerStateTests.name), .pause] {
            var state = try ContainerStateTests.state(.running)
            _ = try state.apply(.stop)
            #expect(state.wire == .stopping)
            #expect(throws: ContainerState.Refusal.self) { try state.apply(input) }
        }
    }

    @Test func rememberedProcessesAreBounded() throws {
        var state = try ContainerStateTests.state(.running)
        for number in 0..<ContainerState.rememberedProcesses + 50 {
            let name = try #require(ProcessName("p\(number)"))
            _ = try state.apply(.exec(name))
            _ = try state.apply(.execStarted(name, pid: UInt32(number)))
            let at = try #require(Timestamp(seconds: Int64(number), nanoseconds: 0))
            _ = try state.apply(.exited(name, Exit(code: 0, reason: .exited, at: at, observedBy: .driver)))
        }
        #expect(state.processes.count == ContainerState.rememberedProcesses)
        #expect(state.processes[try #require(ProcessName("p0"))] == nil)
    }
}
