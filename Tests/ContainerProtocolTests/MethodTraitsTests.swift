import ContainerProtocol
import Testing

/// The table of the methods, held against the protocol's own tables.
struct MethodTraitsTests {
    private typealias Method = ContainerProtocol.Method

    private func methods(where matches: (MethodTraits) -> Bool) -> Set<Method> {
        Set(Method.allCases.filter { matches($0.traits) })
    }

    @Test func mutatingMethodsStandInTheirContainersQueue() {
        #expect(
            methods { $0.lane == .mutating } == [
                .create, .start, .exec, .pause, .resume, .restore, .update, .checkpointCreate, .checkpointDelete,
                .checkpointList, .delete,
            ])
    }

    @Test func observersAskAndSchedulersActAndAdminsRuleTheHost() {
        #expect(
            methods { $0.role == .observer } == [
                .ping, .version, .state, .list, .wait, .stats, .pids, .summary, .logs, .events, .snapshot, .health,
            ])
        #expect(methods { $0.role == .admin } == [.drain, .keysList, .keysReload])
        #expect(Role.allCases.sorted() == [.observer, .scheduler, .admin])
        // Nothing that changes something is open to an observer, and only admins change the host.
        #expect(methods { $0.changes && $0.role == .observer }.isEmpty)
        #expect(methods { $0.effect == .changesHost }.isSubset(of: methods { $0.role == .admin }))
    }

    @Test func whatAFullWorkerStillAnswers() {
        #expect(methods { $0.isAlwaysAnswered } == [.ping, .version, .health])
        #expect(methods { $0.isAlwaysAnswered && !$0.isQuestion }.isEmpty)
    }

    /// The client took `checkpoint_list` for a question and the worker for a change. It changes nothing.
    @Test func aListOfCheckpointsIsAQuestionInTheQueue() {
        #expect(Method.checkpointList.traits.effect == .asks && Method.checkpointList.traits.isQuestion)
    }

    @Test func whatMayNotBeDoneTwice() {
        #expect(methods { !$0.isRepeatHarmless } == [.signal, .signalProcess, .stdin])
        #expect(methods { $0.effect == .follows } == [.wait, .attach, .credit, .detach])
        #expect(methods { $0.effect == .asks && !$0.isQuestion } == [.snapshot])
    }

    @Test func patience() {
        #expect(methods { $0.patience == nil } == [.wait, .stop])
        #expect(methods { $0.waitsForExit } == [.wait, .stop])
        #expect(methods { $0.patience == .seconds(300) } == methods { $0.lane == .mutating })
        #expect(Method.ping.traits.patience == .seconds(30))
    }
}
