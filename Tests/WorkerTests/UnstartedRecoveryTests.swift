import ContainerDriver
import ContainerModel
import MessagePack
import TestSupport
import Testing

@testable import Worker

/// Containers that were created and never started, as the next worker takes them up.
struct UnstartedRecoveryTests {
    private let id: ContainerID
    private let earlier = TestHost()
    private let driver = ScriptedDriver()

    init() throws {
        id = try #require(ContainerID("web"))
        let created = try earlier.call("create", ["id": "web", "spec": TestHost.spec, "start": false])
        #expect(created.result["state"] == "created")
        driver.setEnumerated([id], unstarted: [id])
    }

    @Test func itIsTakenUpWithoutBeingOpened() throws {
        let record = earlier.journal.containers[id]
        let next = earlier.restarted(driver)
        next.settle()
        #expect(driver.calls == ["enumerate", "takeUpUnstarted"])
        #expect(next.events == ["restore"])
        let state = try next.call("state", ["id": "web"]).result
        #expect(state["state"] == "created" && state["seq"] == next.published.events.last?["seq"])
        #expect(try next.call("health").result["ready"] == true)
        #expect(next.journal.containers[id] == record, "what did not change is not written again")
        #expect(try next.call("start", ["id": "web"]).result["state"] == "running")
        #expect(driver.calls.last == "start web")
    }

    @Test func itsRecordIncludesWhatIsInNoRecord() throws {
        let next = earlier.restarted(driver)
        next.settle()
        let restored = try #require(next.published.events.last?["seq"]?.unsigned)
        let last = next.restarted(driver)
        let early = try last.send("state", ["id": "web"])
        last.settleButCalls()
        let record = try #require(last.replies.take(early)?.result)
        #expect(record["state"] == "unknown")
        #expect(try #require(record["seq"]?.unsigned) >= restored)
    }

    @Test func aCommandWaitsForIt() throws {
        let next = earlier.restarted(driver)
        let start = try next.send("start", ["id": "web"])
        next.settleButCalls()
        #expect(next.replies.take(start) == nil)
        next.settle()
        #expect(next.replies.take(start)?.result["state"] == "running")
        #expect(driver.calls == ["enumerate", "takeUpUnstarted", "start web"])
        #expect(next.events == ["restore", "start"])
    }

    @Test func oneThatIsNotListedSoIsOpened() throws {
        driver.setEnumerated([id])
        driver.setOpened(
            id,
            OpenedContainer(
                isolation: .none, canPause: true, state: .running, processes: [.initial: .found(pid: 7)]))
        let next = earlier.restarted(driver)
        next.settle()
        #expect(driver.calls == ["enumerate", "open web"])
        #expect(try next.call("state", ["id": "web"]).result["state"] == "running")
    }

    @Test func oneThatIsNotListedIsLost() throws {
        driver.setEnumerated([])
        let next = earlier.restarted(driver)
        next.settle()
        #expect(next.published.events.map { $0["exit"]?["reason"] } == ["lost"])
    }

    @Test func oneThatIsGoneAMomentAfterTheListIsLost() throws {
        driver.fail(.takeUpUnstarted, DriverFailure(.notFound, "there is none"))
        let next = earlier.restarted(driver)
        next.settle()
        #expect(driver.calls == ["enumerate", "takeUpUnstarted", "open web"])
        #expect(next.published.events.map { $0["exit"]?["reason"] } == ["lost"])
    }

    @Test func oneWhoseServiceGoesAwayMeanwhileIsAskedFor() throws {
        driver.during(.takeUpUnstarted) { [driver] in driver.disconnect() }
        let next = earlier.restarted(driver)
        next.settle()
        #expect(driver.calls == ["enumerate", "takeUpUnstarted", "open web"])
        #expect(next.events == ["restore", "exit"])
    }

    @Test func withoutAListEachIsOpened() throws {
        driver.fail(.enumerate, DriverFailure(.unavailable, "not now"))
        let next = earlier.restarted(driver)
        next.settle()
        #expect(driver.calls == ["enumerate", "open web"])
    }

    @Test func aHostThatHangsOverItsListIsAskedForEach() throws {
        let next = earlier.restarted(driver)
        let state = try next.send("state", ["id": "web"])
        next.settleButCalls()
        #expect(next.replies.take(state)?.result["state"] == "unknown")
        next.loop.advance(by: .seconds(30))
        next.settleButCalls()
        next.settle()
        #expect(driver.calls == ["enumerate", "open web"])
    }

    @Test func theRegularCheckFindsOneThatEndedUnseen() throws {
        let next = earlier.restarted(driver)
        next.settle()
        let check = HostCheck(next.services)
        check.start()
        next.advance(by: next.services.configuration.times.checkInterval)
        #expect(driver.calls.suffix(1) == ["missingUnstarted"])
        driver.setMissing([id])
        next.advance(by: next.services.configuration.times.checkInterval)
        #expect(driver.calls.suffix(2) == ["missingUnstarted", "open web"])
        #expect(next.events == ["restore", "exit"])
        #expect(next.published.events.last?["exit"]?["reason"] == "lost")
    }

    @Test func aHostThatTakesLongForItsListIsAskedForItLessOften() throws {
        let next = earlier.restarted(driver)
        next.settle()
        HostCheck(next.services).start()
        next.loop.advance(by: .seconds(60))
        next.settleButCalls()
        next.advance(by: .seconds(2))
        for _ in 0..<3 { next.advance(by: .seconds(60)) }
        #expect(driver.calls.count { $0 == "missingUnstarted" } == 1)
        next.advance(by: .seconds(60))
        #expect(driver.calls.count { $0 == "missingUnstarted" } == 2)
    }

    /// It was started between the list and its comparison.
    @Test func oneThatRunsIsNotMissing() throws {
        let next = earlier.restarted(driver)
        next.settle()
        _ = try next.call("start", ["id": "web"])
        driver.setMissing([id])
        let check = HostCheck(next.services)
        check.start()
        next.advance(by: next.services.configuration.times.checkInterval)
        #expect(!driver.calls.contains("open web"))
    }

    @Test func manyAreTakenUpInBatches() throws {
        let host = TestHost()
        var ids: Set<ContainerID> = []
        for number in 0..<1200 {
            ids.insert(try #require(ContainerID("c\(number)")))
            try host.send("create", ["id": .string("c\(number)"), "spec": TestHost.spec, "start": false])
        }
        host.settle()
        driver.setEnumerated(Array(ids), unstarted: ids)
        let next = host.restarted(driver)
        next.settle()
        #expect(next.events.count { $0 == "restore" } == 1200)
        #expect(driver.calls.count { $0 == "takeUpUnstarted" } < 10 && !driver.calls.contains { $0.hasPrefix("open") })
        #expect(try next.call("health").result["ready"] == true)
    }
}
