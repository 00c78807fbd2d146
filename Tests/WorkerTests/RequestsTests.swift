import ContainerDriver
import ContainerModel
import MessagePack
import TestSupport
import Testing

@testable import Worker

/// Requests from their admission to their reply.
struct RequestsTests {
    @Test func nothingIsToldBeforeItIsKept() throws {
        let host = TestHost()
        let create = try host.send("create", ["id": "web", "spec": TestHost.spec])
        host.turn()
        #expect(host.threads.count == 0, "no call before its intent is kept")
        host.journal.confirmAll()
        host.threads.runAll()
        while host.turn() {}
        #expect(host.published.events.isEmpty, "no event before it is kept")
        host.settle()
        #expect(host.replies.take(create)?.failure == nil)
        #expect(host.events == ["create", "start"])
    }

    @Test func aPlanStandsInNoLineAndLeavesNothing() throws {
        let host = TestHost()
        let plan: Value.Map = ["id": "web", "spec": TestHost.spec, "dry_run": true]
        let answer = try host.call("create", plan)
        #expect(answer.result["document"] == #"{"secret":1}"# && answer.result["warnings"] == ["a warning"])
        #expect(answer.result["ignored"] == ["linux"])
        #expect(host.driver.calls == ["plan web"] && host.events.isEmpty)
        #expect(try host.call("state", ["id": "web"]).code == .notFound)
        // A container of that id, and a call of it that hangs, are not in its way.
        let create = try host.send("create", ["id": "web", "spec": TestHost.spec])
        host.settleButCalls()
        let again = try host.send("create", plan)
        host.settleButCalls()
        host.threads.runAll()
        host.settle()
        #expect(host.replies.take(again)?.result["document"] == #"{"secret":1}"#)
        #expect(host.replies.take(create)?.failure == nil)
        host.driver.fail(.plan, DriverFailure(.invalidArgument, "spec.root.path is wrong"))
        #expect(try host.call("create", plan).code == .invalidArgument)
    }

    @Test func aRepeatGetsTheFirstAnswer() throws {
        let host = TestHost()
        let create: Value.Map = ["id": "web", "spec": TestHost.spec, "request_id": "r"]
        let first = try host.send("create", create)
        let second = try host.send("create", create, peer: 2)
        host.settle()
        let answer = try #require(host.replies.take(first))
        #expect(host.replies.take(second)?.result == answer.result)
        #expect(try host.call("create", create).result == answer.result)
        #expect(host.driver.calls == ["create web", "start web"])
        #expect(try host.call("pause", ["id": "web", "request_id": "r"]).code == .alreadyExists)
    }

    @Test func aRepeatWhoseDeadlinePassesLeavesNothing() throws {
        let host = TestHost()
        let create: Value.Map = ["id": "web", "spec": TestHost.spec, "request_id": "r"]
        let first = try host.send("create", create)
        host.settleButCalls()
        var hasty = create
        hasty["timeout_ms"] = 10
        let second = try host.send("create", hasty)
        host.loop.advance(by: .milliseconds(10))
        host.settleButCalls()
        #expect(host.replies.take(second)?.code == .deadlineExceeded)
        host.settle()
        #expect(host.replies.take(first)?.failure == nil)
        #expect(host.replies.take(second) == nil, "one reply each")
    }

    @Test func aStopWhileNothingCanBeKeptIsNotNoted() throws {
        let host = TestHost()
        try host.run("web")
        host.journal.trouble = "the disk is full"
        let stop: Value.Map = ["id": "web", "grace_ms": 0, "request_id": "s"]
        for _ in 0..<3 { try host.send("stop", stop) }
        host.settle()
        #expect(host.driver.calls.contains("terminate web"))
        host.journal.trouble = nil
        host.settle()
        #expect(host.journal.takeContents().requests.isEmpty)
    }

    @Test func aRefusalThatMayBeTriedAgainIsNotKept() throws {
        let host = TestHost()
        host.driver.fail(.create, DriverFailure(.resourceExhausted, "no descriptor is free", retryable: true))
        let create: Value.Map = ["id": "web", "spec": TestHost.spec, "request_id": "r"]
        #expect(try host.call("create", create).code == .resourceExhausted)
        #expect(try host.call("create", create).failure == nil)
    }

    @Test func aSignalBeginsOnlyWhenItIsNoted() throws {
        let host = TestHost()
        try host.run("web")
        try host.send("signal", ["id": "web", "signal": "TERM", "request_id": "k"])
        while host.turn() {}
        #expect(host.threads.count == 0)
        host.journal.confirmAll()
        #expect(host.threads.count == 1)
    }

    @Test func aDeadlineBeforeTheNoteSaysThatNothingRan() throws {
        let host = TestHost()
        try host.run("web")
        let signal = try host.send("signal", ["id": "web", "signal": "TERM", "request_id": "k", "timeout_ms": 10])
        while host.turn() {}
        host.loop.advance(by: .milliseconds(10))
        host.settle()
        let reply = host.replies.take(signal)
        #expect(reply?.code == .deadlineExceeded && reply?.failure?.retryable == true)
        #expect(!host.driver.calls.contains("signal web init"))
    }

    @Test func aPeerBeyondItsLimitIsRefusedAndOthersAreServed() throws {
        let host = TestHost { $0.limits.peerRequests = 3 }
        try host.run("web")
        for _ in 0..<3 { try host.send("wait", ["id": "web"]) }
        let fourth = try host.send("state", ["id": "web"])
        let other = try host.send("state", ["id": "web"], peer: 2)
        host.settle()
        #expect(host.replies.take(fourth)?.code == .resourceExhausted)
        #expect(host.replies.take(other)?.failure == nil)
    }

    @Test func theOldestOfTooManyWaitsIsAnsweredUnavailable() throws {
        let host = TestHost { $0.limits.requests = 2 }
        try host.run("web")
        let waits = try (0..<3).map { _ in try host.send("wait", ["id": "web"]) }
        host.settle()
        #expect(host.replies.take(waits[0])?.code == .unavailable)
        #expect(host.replies.take(waits[1]) == nil && host.replies.take(waits[2]) == nil)
        #expect(try host.call("health").failure == nil)
    }

    @Test func aSlowDiskAnswersQuestionsOnly() throws {
        let host = TestHost()
        try host.run("web")
        try host.send("pause", ["id": "web"])
        while host.turn() {}
        host.loop.advance(by: .seconds(3))
        #expect(host.outbox.trouble != nil)
        let state = try host.send("state", ["id": "web"])
        let stop = try host.send("pause", ["id": "web"])
        host.turn()
        #expect(host.replies.take(state)?.failure == nil)
        #expect(host.replies.take(stop)?.code == .unavailable)
    }

    // MARK: Pages

    @Test func aSnapshotComesInPagesWithTheNewestEventOfEachRecord() throws {
        let host = TestHost()
        for number in 0..<5 { try host.run("c\(number)") }
        var ids: [String] = []
        var after: Value?
        repeat {
            var query: Value.Map = ["limit": 2]
            if let after { query["after"] = after }
            let page = try host.call("snapshot", query).result
            #expect(page["last_seq"] == 10)
            for record in page["containers"]?.array ?? [] {
                ids.append(record["id"]?.string ?? "")
                #expect(record["seq"]?.unsigned == UInt64(ids.count * 2))
            }
            after = page["next"]
        } while after != nil
        #expect(ids == (0..<5).map { "c\($0)" })
    }

    @Test func aListOfWhatIsNotThereEnds() throws {
        let host = TestHost()
        for number in 0..<40 { try host.run("c\(number)") }
        let page = try host.call("list", ["labels": ["app": "none"]]).result
        #expect(page["containers"] == [] && page["next"] == nil)
    }

    @Test func statisticsOfAllAreThoseOfRunningContainers() throws {
        let host = TestHost()
        for id in ["a", "b", "c"] { try host.run(id) }
        _ = try host.call("create", ["id": "d", "spec": TestHost.spec, "start": false])
        let all = try host.call("stats").result
        #expect(Set(all.map?.keys.map { $0 } ?? []) == ["a", "b", "c"])
    }

    // MARK: Counts

    @Test func healthCountsWhatContainersReport() throws {
        let host = TestHost()
        for id in ["a", "b"] { try host.run(id) }
        #expect(host.services.pool.busyCount == 2)
        let a = try #require(ContainerID("a"))
        host.driver.exit(a)
        host.settle()
        #expect(host.services.pool.busyCount == 1)
        _ = try host.call("delete", ["id": "a"])
        #expect(host.services.pool.count == 1)
        host.services.pool.endAll {}
        let b = try #require(ContainerID("b"))
        host.driver.exit(b)
        host.settle()
        #expect(host.services.pool.busyCount == 0)
    }

    @Test func nothingIsPublishedOrAnsweredOnceTheJournalIsClosed() throws {
        let host = TestHost()
        try host.run("web")
        let events = host.events
        let first = try host.send("pause", ["id": "web"])
        host.turn()
        let second = try host.send("delete", ["id": "web", "force": true])
        host.outbox.close()
        host.settle()
        #expect(host.events == events)
        #expect(host.replies.take(first)?.result == nil && host.replies.take(second)?.result == nil)
    }

    @Test func aDrainedHostTakesNoNewContainer() throws {
        let host = TestHost()
        try host.run("web")
        _ = try host.call("drain")
        #expect(try host.call("create", ["id": "new", "spec": TestHost.spec]).code == .unavailable)
        #expect(try host.call("pause", ["id": "web"]).failure == nil)
        #expect(try host.call("health").result["ready"] == false)
    }
}
