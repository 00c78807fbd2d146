import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack
import TestSupport
import Testing

@testable import Worker

/// One container, from its commands to the driver's calls and the events.
struct ContainerTests {
    private let id: ContainerID
    private static let refused = DriverFailure(.invalidArgument, "no such image")

    init() throws { id = try #require(ContainerID("web")) }

    @Test func aContainerIsCreatedStartedAndReported() throws {
        let host = TestHost()
        let reply = try host.call("create", ["id": "web", "spec": TestHost.spec])
        #expect(reply.result["state"] == "running" && reply.result["pid"] == 101)
        #expect(host.driver.calls == ["create web", "start web"])
        #expect(host.events == ["create", "start"])
        #expect(host.published.events.map { $0["seq"]?.unsigned } == [1, 2])
    }

    @Test func commandsOfOneContainerRunOneAfterAnother() throws {
        let host = TestHost()
        try host.run("web")
        for method in ["pause", "resume", "pause"] { try host.send(method, ["id": "web"]) }
        host.settleButCalls()
        #expect(host.driver.calls.suffix(1) == ["start web"], "no call before its thread runs")
        #expect(host.threads.count == 1, "one call at a time")
        host.settle()
        #expect(host.driver.calls.suffix(3) == ["pause web", "resume web", "pause web"])
        #expect(host.events.suffix(3) == ["pause", "resume", "pause"])
    }

    @Test func aHungCallHoldsUpNoOtherContainer() throws {
        let host = TestHost()
        try host.run("web")
        try host.run("db")
        try host.send("pause", ["id": "web"])
        let second = try host.send("pause", ["id": "web"])
        let state = try host.send("state", ["id": "web"])
        host.settleButCalls()
        #expect(host.replies.take(second) == nil)
        #expect(host.replies.take(state)?.result["queue_depth"] == 2)
        #expect(host.threads.count == 1)
        let other = try host.send("pause", ["id": "db"])
        host.settleButCalls()
        #expect(host.threads.count == 2)
        host.settle()
        #expect(host.replies.take(other)?.result["state"] == "paused")
    }

    @Test func anExitIsReportedOnceAfterTheStartThatItOvertook() throws {
        let host = TestHost()
        let wait = try host.send("create", ["id": "web", "spec": TestHost.spec])
        host.settleButCalls()
        host.threads.runAll()
        host.settleButCalls()
        // The start's answer is still on its way when the exit comes.
        host.driver.exit(id, code: 3)
        host.driver.exit(id, code: 4)
        host.settle()
        #expect(host.replies.take(wait)?.failure == nil)
        #expect(host.events == ["create", "start", "exit"])
        #expect(host.published.events.last?["exit"]?["code"] == 3)
        #expect(try host.call("wait", ["id": "web"]).result["exit"]?["code"] == 3)
    }

    @Test func aFailedCreateLeavesNothing() throws {
        let host = TestHost()
        host.driver.fail(.create, ContainerTests.refused)
        #expect(try host.call("create", ["id": "web", "spec": TestHost.spec]).code == .invalidArgument)
        #expect(try host.call("state", ["id": "web"]).code == .notFound)
        #expect(host.events.isEmpty)
        #expect(host.journal.containers.isEmpty || host.journal.containers[id] == nil)
        try host.run("web")
    }

    @Test func aFailedStartIsDiscardedAndItsIDIsFreeAgain() throws {
        let host = TestHost()
        host.driver.fail(.start, ContainerTests.refused)
        #expect(try host.call("create", ["id": "web", "spec": TestHost.spec]).code == .invalidArgument)
        #expect(host.driver.calls == ["create web", "start web", "discard web"])
        #expect(host.events == ["create", "delete"])
        #expect(try host.call("state", ["id": "web"]).code == .notFound)
    }

    @Test func aStartThatMayHaveRunIsNotRetryable() throws {
        let host = TestHost()
        host.driver.fail(.start, DriverFailure(.unavailable, "gone", retryable: true))
        let reply = try host.call("create", ["id": "web", "spec": TestHost.spec])
        #expect(reply.code == .aborted && reply.failure?.retryable == false)
    }

    @Test func aFullQueueRefuses() throws {
        let host = TestHost { $0.limits.queueDepth = 2 }
        try host.run("web")
        var last: UInt32 = 0
        for _ in 0..<4 { last = try host.send("pause", ["id": "web"]) }
        host.settleButCalls()
        let refusal = host.replies.take(last)
        #expect(refusal?.code == .resourceExhausted && refusal?.failure?.retryable == true)
    }

    // MARK: Stops

    @Test func aStopAsksAndThenForces() throws {
        let host = TestHost()
        try host.run("web")
        let stop = try host.send("stop", ["id": "web", "grace_ms": 5000, "request_id": "s"])
        host.settle()
        #expect(host.driver.calls.last == "signal web init")
        host.advance(by: .seconds(4))
        #expect(!host.driver.calls.contains("terminate web"))
        host.advance(by: .seconds(1))
        #expect(host.driver.calls.contains("terminate web"))
        host.driver.exit(id, code: 137)
        host.settle()
        #expect(host.replies.take(stop)?.result["exit"]?["code"] == 137)
        #expect(host.published.events.last?["request_id"] == "s", "the exit is the stop's doing")
    }

    @Test func aStopNeedsNoJournal() throws {
        let host = TestHost()
        try host.run("web")
        host.journal.trouble = "the disk is full"
        try host.send("stop", ["id": "web", "grace_ms": 0])
        host.settle()
        #expect(host.driver.calls.contains("terminate web"))
        #expect(try host.call("pause", ["id": "web"]).code == .unavailable)
        #expect(try host.call("state", ["id": "web"]).failure == nil, "a question is answered")
    }

    @Test func aShutdownThatHangsHoldsBackNoExit() throws {
        let host = TestHost()
        try host.run("web")
        let hanging = LoopBound(host, to: host.loop)
        host.driver.during(.shutDown) {
            hanging.value.loop.advance(by: .seconds(60))
            hanging.value.settleButCalls()
            #expect(hanging.value.events.suffix(2) == ["stuck", "exit"])
            #expect(hanging.value.services.pool.stuck.count == 1)
        }
        host.driver.exit(id)
        host.settle()
        #expect(host.events.last == "unstuck")
        #expect(host.driver.calls.contains("terminate web"))
        #expect(host.services.pool.stuck.isEmpty)
    }

    @Test func aStuckCallStandsInTheWayNoLonger() throws {
        let host = TestHost()
        try host.run("web")
        let hanging = LoopBound(host, to: host.loop)
        let id = id
        host.driver.during(.pause) {
            let host = hanging.value
            host.loop.advance(by: .seconds(60))
            host.settleButCalls()
            #expect(host.events.last == "stuck")
            // The container's end does not wait for the pause.
            host.driver.exit(id)
            host.settleButCalls()
            #expect(host.threads.count == 1)
        }
        let pause = try host.send("pause", ["id": "web"])
        host.settle()
        #expect(host.replies.take(pause)?.failure != nil)
        #expect(host.events.filter { $0 == "exit" }.count == 1)
    }

    // MARK: Deadlines

    @Test func aDeadlineTakesBackWhatHasNotBegun() throws {
        let host = TestHost()
        try host.run("web")
        try host.send("pause", ["id": "web"])
        host.settleButCalls()
        let waiting = try host.send("resume", ["id": "web", "timeout_ms": 1000])
        host.settleButCalls()
        host.loop.advance(by: .seconds(1))
        host.settleButCalls()
        let reply = host.replies.take(waiting)
        #expect(reply?.code == .deadlineExceeded && reply?.failure?.retryable == true)
        host.settle()
        #expect(!host.driver.calls.contains("resume web"))
    }

    @Test func aStartThatWasTakenBackLeavesTheContainerCreated() throws {
        let host = TestHost()
        _ = try host.call("create", ["id": "web", "spec": TestHost.spec, "start": false])
        let start = try host.send("start", ["id": "web", "timeout_ms": 1000])
        host.settleButCalls()
        host.loop.advance(by: .seconds(1))
        host.settle()
        #expect(host.replies.take(start)?.code == .deadlineExceeded)
        #expect(host.driver.calls == ["create web"], "neither started nor discarded")
        #expect(try host.call("start", ["id": "web"]).result["state"] == "running")
    }

    @Test func aWaitThatExpiresCanBeSentAgain() throws {
        let host = TestHost()
        try host.run("web")
        let wait = try host.send("wait", ["id": "web", "timeout_ms": 10])
        host.settle()
        host.advance(by: .milliseconds(10))
        let reply = host.replies.take(wait)
        #expect(reply?.code == .deadlineExceeded && reply?.failure?.retryable == true)
    }

    @Test func theClearingUpOfAFailedStartIsTakenBackByNoDeadline() throws {
        let host = TestHost()
        host.driver.fail(.start, ContainerTests.refused)
        let create = try host.send("create", ["id": "web", "spec": TestHost.spec, "timeout_ms": 1000])
        host.settleButCalls()
        for _ in 0..<2 {
            host.threads.runAll()
            host.settleButCalls()
        }
        #expect(host.threads.count == 1, "the discard waits for a thread")
        host.loop.advance(by: .seconds(1))
        host.settle()
        #expect(host.driver.calls.last == "discard web")
        #expect(host.replies.take(create)?.failure != nil)
        #expect(try host.call("state", ["id": "web"]).code == .notFound)
    }

    @Test func aStopOfAFailedStartEndsNoLaterContainer() throws {
        let host = TestHost()
        host.driver.fail(.start, ContainerTests.refused)
        try host.send("create", ["id": "web", "spec": TestHost.spec])
        host.settleButCalls()
        host.threads.runAll()
        host.settleButCalls()
        let stop = try host.send("stop", ["id": "web", "grace_ms": 5000])
        host.settle()
        #expect(host.replies.take(stop) != nil)
        try host.run("web")
        host.advance(by: .seconds(10))
        #expect(!host.driver.calls.contains("terminate web"))
    }

    @Test func aStopThatWaitedForAStartThatWasTakenBackIsAnswered() throws {
        let host = TestHost()
        _ = try host.call("create", ["id": "web", "spec": TestHost.spec, "start": false])
        try host.send("start", ["id": "web", "timeout_ms": 1000])
        host.settleButCalls()
        let stop = try host.send("stop", ["id": "web", "grace_ms": 60_000])
        host.loop.advance(by: .seconds(1))
        host.settle()
        #expect(host.replies.take(stop)?.failure != nil)
        #expect(try host.call("start", ["id": "web"]).result["state"] == "running", "it is not stopping any more")
    }

    @Test func callsBehindOneThatHangsAreAnswered() throws {
        let host = TestHost()
        try host.run("web")
        let hanging = LoopBound(host, to: host.loop)
        host.driver.during(.processes) {
            let host = hanging.value
            host.loop.advance(by: .seconds(60))
            host.settleButCalls()
        }
        try host.send("pids", ["id": "web"])
        let second = try host.send("pids", ["id": "web"])
        host.settle()
        let reply = host.replies.take(second)
        #expect(reply?.code == .unavailable && reply?.failure?.retryable == true)
        #expect(try host.call("pids", ["id": "web"]).failure == nil)
    }

    // MARK: Lost exits

    @Test func theHostIsAskedWhileSomeoneWaits() throws {
        let host = TestHost()
        try host.run("web")
        try host.send("wait", ["id": "web"])
        host.settle()
        host.advance(by: .seconds(1))
        host.advance(by: .seconds(2))
        #expect(host.driver.calls.filter { $0 == "check web" }.count == 2)
    }

    // MARK: Input

    @Test func inputByOffsetIsHarmlessToRepeat() throws {
        let host = TestHost()
        try host.run("web", ["stdin": true])
        let input = try #require(host.driver.input(id))
        func send(_ text: String, _ offset: UInt64) throws -> Reply {
            try host.call("stdin", ["id": "web", "data": .binary(Array(text.utf8)), "offset": .unsigned(offset)])
        }
        let commits = host.journal.commits
        #expect(try send("hello ", 0).result["accepted"] == 6)
        #expect(try send("hello ", 0).result["accepted"] == 6)
        #expect(try send("lo world", 3).result["accepted"] == 8)
        #expect(String(decoding: input.bytes, as: UTF8.self) == "hello world")
        let gap = try send("!", 99)
        #expect(gap.code == .failedPrecondition && gap.failure?.details["offset"] == 11)
        input.setRoom(2)
        #expect(try send("12345", 11).result["accepted"] == 2)
        #expect(host.journal.commits == commits, "input is not journaled")
    }

    // MARK: Output

    @Test func outputFollowsTheReplyAndTheCredit() throws {
        let host = TestHost()
        try host.run("web")
        let output = try #require(host.driver.output(id))
        Array("0123456789".utf8).withUnsafeBytes { output.write(.stdout, $0) }
        let attach = try host.send("attach", ["id": "web", "from": "start", "credit": 4])
        host.settle()
        #expect(host.replies.take(attach)?.result["offset"] == 0)
        #expect(host.replies.notifications.map { $0["data"] } == [.binary(Array("0123".utf8))])
        _ = try host.call("credit", ["id": "web", "bytes": 100])
        #expect(host.replies.notifications.count == 2)
        host.replies.delivery = .full
        Array("ab".utf8).withUnsafeBytes { output.write(.stderr, $0) }
        host.settle()
        #expect(host.replies.notifications.count == 2)
        host.replies.delivery = .sent
        host.advance(by: .milliseconds(20))
        #expect(host.replies.notifications.last?["stream"] == "stderr")
    }
}
