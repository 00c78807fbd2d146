import ContainerDriver
import ContainerModel
import MessagePack
import TestSupport
import Testing

@testable import Worker

/// What a worker takes up that starts after another one died.
struct RecoveryTests {
    private let id: ContainerID
    private let name: ProcessName

    init() throws {
        id = try #require(ContainerID("web"))
        name = try #require(ProcessName("job"))
    }

    private func opened(
        _ state: OpenedContainer.State = .running,
        _ processes: [ProcessName: FoundProcess] = [.initial: .found(pid: 101)]
    ) -> OpenedContainer {
        OpenedContainer(isolation: .none, canPause: true, state: state, processes: processes)
    }

    /// A worker after `host`, whose service has what `found` says.
    private func restart(_ host: TestHost, _ found: OpenedContainer?) -> TestHost {
        let driver = ScriptedDriver()
        driver.setOpened(id, found)
        return host.restarted(driver)
    }

    @Test func aRunningContainerIsFoundAgain() throws {
        let host = TestHost()
        try host.run("web", ["labels": ["app": "shop"]])
        let next = restart(host, opened())
        next.settle()
        #expect(try next.call("state", ["id": "web"]).result["state"] == "running")
        #expect(next.events == ["restore"])
        #expect(next.published.events.first?["seq"] == 3, "numbers go on")
        #expect(next.published.events.first?["labels"]?["app"] == "shop")
        next.driver.exit(id, code: 7)
        next.settle()
        #expect(next.published.events.last?["exit"]?["code"] == 7)
    }

    /// What the host does not say: init's directory was lost, and an exec without one started elsewhere.
    @Test func theDriverIsGivenWhatTheRecordHas() throws {
        let host = TestHost()
        let spec: Value = [
            "process": ["args": ["/bin/true"], "cwd": "/srv/work"], "windows": ["servicing": true],
        ]
        try host.run("web", ["spec": spec])
        let next = restart(host, opened())
        next.settle()
        var known = KnownContainer()
        known.directory = "/srv/work"
        known.isServicing = true
        known.canPause = true
        #expect(next.driver.knownContainer(id) == known)
        // Over a second restart too.
        let last = restart(next, opened())
        last.settle()
        #expect(last.driver.knownContainer(id) == known)
    }

    @Test func itAnswersWhileItLooks() throws {
        let host = TestHost()
        try host.run("web")
        try host.run("db")
        let next = restart(host, opened())
        // No record has been read yet: one that is asked for is read at once.
        let early = try next.send("state", ["id": "db"])
        let snapshot = try next.send("snapshot")
        let list = try next.send("list")
        let health = try next.send("health")
        next.settleButCalls()
        #expect(next.replies.take(early)?.result["state"] == "unknown")
        #expect(next.replies.take(snapshot) == nil && next.replies.take(list) == nil, "a page waits for every record")
        #expect(next.replies.take(health)?.result["ready"] == false)
        next.threads.runAll()
        next.settleButCalls()
        let unknown = try next.send("state", ["id": "web"])
        next.settleButCalls()
        #expect(next.replies.take(unknown)?.result["state"] == "unknown")
        #expect(next.replies.take(snapshot)?.result["containers"]?.array?.count == 2)
        #expect(next.replies.take(list)?.result["containers"]?.array?.count == 2)
        let taken = try next.send("create", ["id": "web", "spec": TestHost.spec])
        next.settle()
        #expect(next.replies.take(taken)?.code == .alreadyExists)
    }

    @Test func anExitThatCameWhileItLookedIsReportedOnce() throws {
        let host = TestHost()
        try host.run("web")
        let next = restart(host, opened())
        next.threads.runAll()
        next.settleButCalls()
        next.driver.exit(id, code: 5)
        next.settle()
        #expect(next.events.filter { $0 == "exit" }.count == 1)
        #expect(next.published.events.last?["exit"]?["code"] == 5)
    }

    @Test func oneThatIsGoneIsReportedLost() throws {
        let host = TestHost()
        try host.run("web")
        let next = restart(host, nil)
        next.settle()
        #expect(next.events == ["exit"])
        #expect(next.published.events.last?["exit"]?["reason"] == "lost")
    }

    @Test func aServiceThatDoesNotAnswerIsAskedAgain() throws {
        let host = TestHost()
        try host.run("web")
        let driver = ScriptedDriver()
        driver.setOpened(id, opened())
        let silent = DriverFailure(.unavailable, "no answer", retryable: true)
        driver.fail(.open, silent, silent)
        let next = host.restarted(driver)
        next.settle()
        #expect(try next.call("health").result["ready"] == false)
        next.advance(by: .milliseconds(250))
        next.advance(by: .milliseconds(500))
        #expect(driver.calls.filter { $0 == "open web" }.count == 3)
        #expect(next.events == ["restore"])
        #expect(try next.call("health").result["ready"] == true)
    }

    @Test func commandsBehindARestoreThatFailsGoOn() throws {
        let host = TestHost()
        try host.run("web")
        host.driver.fail(.open, DriverFailure(.unavailable, "no answer", retryable: true))
        let restore = try host.send("restore", ["id": "web"])
        let pause = try host.send("pause", ["id": "web"])
        host.settle()
        #expect(host.replies.take(restore)?.code == .unavailable)
        #expect(host.replies.take(pause)?.result["state"] == "paused")
    }

    @Test func aContainerThatIsDeletedWhileTheHostIsAskedIsNoOrphan() throws {
        let host = TestHost()
        try host.run("web")
        let driver = ScriptedDriver()
        driver.setOpened(id, opened())
        driver.setEnumerated([id])
        let next = TestHost(journal: host.journal.next(), driver: driver) { $0.orphans = .terminate }
        next.recover()
        next.threads.runAll()
        next.settleButCalls()
        next.threads.runAll()
        next.settleButCalls()
        next.settle()
        #expect(!driver.calls.contains("discard web"))
    }

    // MARK: Commands under way

    /// A create that the worker died under, once its intent was kept, and the reply to its repeat.
    private func interruptedCreate(_ found: OpenedContainer?) throws -> (next: TestHost, reply: Reply) {
        let host = TestHost()
        let create: Value.Map = ["id": "web", "spec": TestHost.spec, "request_id": "r"]
        try host.send("create", create)
        host.settleButCalls()
        #expect(host.journal.containers[id] != nil)
        let next = restart(host, found)
        next.settle()
        return (next, try next.call("create", create))
    }

    @Test func aCreateThatNothingCameOfCanBeSentAgain() throws {
        let (next, reply) = try interruptedCreate(nil)
        #expect(reply.failure == nil && reply.result["state"] == "running")
        #expect(next.driver.calls.contains("create web"), "the repeat runs, since the first left nothing")
    }

    @Test func aCreateThatWasCarriedOutIsAnsweredSo() throws {
        let (next, reply) = try interruptedCreate(opened())
        #expect(reply.result["state"] == "running")
        #expect(next.events.prefix(2) == ["create", "start"])
        #expect(!next.driver.calls.contains("create web"))
    }

    @Test func aCreateWhoseProcessWasNeverCreatedGoesOn() throws {
        let (next, reply) = try interruptedCreate(opened(.running, [.initial: .neverCreated]))
        #expect(reply.failure == nil && reply.result["state"] == "running")
        #expect(next.driver.calls.contains("start web"))
        #expect(next.events.prefix(2) == ["create", "start"])
    }

    @Test func onlyWhatNobodyCanTellIsAborted() throws {
        let (next, reply) = try interruptedCreate(opened(.running, [.initial: .unknown]))
        #expect(reply.code == .aborted && reply.failure?.retryable == false)
        #expect(!next.driver.calls.contains("start web"), "it is not run a second time")
        #expect(next.driver.calls.contains("discard web"))
    }

    @Test(arguments: ["pause", "resume"]) func aPauseIsSettledByWhatIsFound(_ method: String) throws {
        let host = TestHost()
        try host.run("web")
        if method == "resume" { _ = try host.call("pause", ["id": "web"]) }
        try host.send(method, ["id": "web", "request_id": "r"])
        host.settleButCalls()
        let done = restart(host, opened(method == "pause" ? .paused : .running))
        done.settle()
        #expect(try done.call(method, ["id": "web", "request_id": "r"]).failure == nil)
        let undone = restart(host, opened(method == "pause" ? .running : .paused))
        undone.settle()
        #expect(try undone.call(method, ["id": "web", "request_id": "r"]).failure == nil, "the repeat runs")
        #expect(undone.driver.calls.contains("\(method) web"))
    }

    @Test func anExecThatWasFoundIsAnswered() throws {
        let host = TestHost()
        try host.run("web")
        let exec: Value.Map = ["id": "web", "process": "job", "spec": ["args": ["ls"]], "request_id": "e"]
        try host.send("exec", exec)
        host.settleButCalls()
        let next = restart(host, opened(.running, [.initial: .found(pid: 101), name: .found(pid: 150)]))
        next.settle()
        #expect(try next.call("exec", exec).result["pid"] == 150)
        #expect(next.events.contains("exec"))
        let lost = restart(host, opened(.running, [.initial: .found(pid: 101), name: .unknown]))
        lost.settle()
        #expect(try lost.call("exec", exec).code == .aborted)
    }

    @Test func aStopGoesOnWithWhatIsLeftOfItsGrace() throws {
        let host = TestHost()
        try host.run("web")
        try host.send("stop", ["id": "web", "grace_ms": 10_000])
        host.settle()
        let next = restart(host, opened())
        next.loop.advance(by: .seconds(4))
        next.settle()
        #expect(next.driver.calls.contains("signal web init"))
        next.advance(by: .seconds(5))
        #expect(!next.driver.calls.contains("terminate web"))
        next.advance(by: .seconds(1))
        #expect(next.driver.calls.contains("terminate web"))
    }

    @Test func aRecordThatCannotBeReadKeepsItsID() throws {
        let host = TestHost()
        try host.run("web")
        let journal = host.journal.next()
        journal.damage(id)
        let next = TestHost(journal: journal)
        next.recover()
        next.settle()
        #expect(try next.call("create", ["id": "web", "spec": TestHost.spec]).code == .failedPrecondition)
        #expect(next.driver.calls == ["enumerate"])
    }

    @Test(arguments: WorkerConfiguration.Orphans.allCases)
    func whatHasNoRecordIsDealtWithAsTheSettingsSay(_ orphans: WorkerConfiguration.Orphans) throws {
        let driver = ScriptedDriver()
        driver.setEnumerated([id])
        driver.setOpened(id, opened())
        let host = TestHost(driver: driver) { $0.orphans = orphans }
        host.recover()
        host.settle()
        switch orphans {
        case .adopt: #expect(try host.call("state", ["id": "web"]).result["state"] == "running")
        case .report: #expect(driver.calls == ["enumerate"])
        case .terminate: #expect(driver.calls == ["enumerate", "discard web"])
        }
    }

    @Test func aServiceThatGoesAwayIsAskedForEveryContainer() throws {
        let host = TestHost()
        try host.run("web")
        host.driver.setOpened(id, opened())
        host.driver.disconnect()
        host.settle()
        #expect(host.driver.calls.last == "open web")
        #expect(host.events.last == "restore")
    }
}
