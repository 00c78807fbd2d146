import CHostCompute
import ContainerDriver
import ContainerModel
import Testing

@testable import HostComputeDriver

/// Whom force reaches, and that it does.
extension ScriptedTests {
    private static let pending = HcsResult(bitPattern: 0xC037_0103)
    private static let runs = #"{"ProcessId":11,"Exited":false,"ExitCode":0,"LastWaitResult":0}"#

    private func running(_ driver: HostComputeDriver) throws -> ContainerID {
        service.state.withLock { $0.properties = Self.runs }
        return try started(driver)
    }

    /// The own system had gone unnoticed and another owner took the id over: the kill once reached the stranger.
    @Test func aKillLeavesTheNextOwnerOfTheIdAlone() throws {
        let driver = driver()
        let id = try running(driver)
        service.state.withLock { state in
            state.owner = "somebody-else"
            state.systemAnswer = HcsResult(bitPattern: 0xC037_010E)
            state.processAnswer = HcsResult(bitPattern: 0x8007_0490)
            state.openProcessAnswer = state.processAnswer
        }
        try driver.signal(id, .initial, .name("KILL"))
        try driver.terminate(id)
        #expect(!service.asked.contains { $0.hasPrefix("terminate") })
        #expect(events.exit(id) != nil)
        try driver.discard(id)
        #expect(!service.asked.contains { $0.hasPrefix("terminate") })
    }

    /// A question for the own system was once answered by the stranger's.
    @Test func aCheckDoesNotTakeTheNextOwnersSystemForItsOwn() throws {
        let driver = driver()
        let id = try running(driver)
        service.state.withLock { state in
            state.owner = "somebody-else"
            state.systemAnswer = HcsResult(bitPattern: 0x8007_0006)
            state.processAnswer = HcsResult(bitPattern: 0x8007_0006)
            state.openProcessAnswer = HcsResult(bitPattern: 0x8007_0490)
        }
        try driver.check(id)
        #expect(events.exit(id) != nil)
        try driver.discard(id)
    }

    @Test func aDiscardAsksWhoseItIsFirst() throws {
        let driver = driver()
        let id = try EmulatedHost.id("scripted")
        service.state.withLock { $0.owner = "somebody-else" }
        try driver.discard(id)
        #expect(service.asked == ["open system", "system"])
        #expect(service.closed == ["close system"])
        service.state.withLock { $0.owner = "scripted" }
        try driver.discard(id)
        #expect(service.asked.last == "terminate by id")
    }

    /// Every kill failed where HCS gave no second handle, though the own one was good.
    @Test func theOwnHandleIsUsedWhereNoSecondOneCanBeHad() throws {
        let driver = driver()
        let id = try running(driver)
        let exec = try #require(ProcessName("exec"))
        _ = try driver.startProcess(id, exec, OCIProcess(args: ["p"]), stdin: false, output: OutputRecorder())
        service.state.withLock { $0.openSystemAnswer = HcsResult(bitPattern: 0x8007_0008) }
        try driver.signal(id, exec, .name("KILL"))
        #expect(service.asked == ["open system", "terminate process"])
        try driver.signal(id, .initial, .name("KILL"))
        #expect(service.asked.suffix(2) == ["open system", "terminate"])
    }

    /// HCS may drop a request whose handle is closed at once: it was waited for in vain, for five minutes.
    @Test func aTerminationWithoutEffectIsRepeatedThroughTheOwnHandle() throws {
        var timeouts = Timeouts.quick
        timeouts.secondForce = .milliseconds(1)
        let driver = driver(timeouts)
        let id = try running(driver)
        let exec = try #require(ProcessName("exec"))
        _ = try driver.startProcess(id, exec, OCIProcess(args: ["p"]), stdin: false, output: OutputRecorder())
        service.state.withLock { state in
            state.terminateAnswer = Self.pending
            state.openable = [11, 12]
        }
        try driver.signal(id, exec, .name("KILL"))
        #expect(service.waitUntil { $0.asked.filter { $0 == "terminate process" }.count == 2 })
        try driver.signal(id, .initial, .name("KILL"))
        #expect(service.waitUntil { $0.asked.contains("terminate by id") && $0.asked.contains("terminate") })
    }

    /// Where the first request has had its effect, there is no second one.
    @Test func aTerminationThatHadItsEffectIsNotRepeated() throws {
        var timeouts = Timeouts.quick
        timeouts.secondForce = .milliseconds(1)
        let driver = driver(timeouts)
        let id = try running(driver)
        service.state.withLock { $0.terminateAnswer = Self.pending }
        service.notifySystem(HcsNotificationSystemExited)
        try driver.terminate(id)
        _ = try driver.shutDown(id)
        #expect(!service.asked.contains("terminate"))
    }

    /// A limit that HCS does not know for this kind of container failed the whole request.
    @Test func aLimitThatHCSDoesNotKnowIsIgnored() throws {
        let driver = driver()
        service.state.withLock { state in
            state.runtimeImage = ""
            state.modifyAnswers = [HcsResult(bitPattern: 0x8007_0057)]
        }
        let id = try EmulatedHost.id("scripted")
        _ = try driver.open(id, [])
        var resources = WindowsResources()
        resources.memoryLimit = 1 << 30
        let updated = try driver.update(id, .windows(resources, endpoints: nil))
        #expect(updated.applied.isEmpty && updated.ignored == ["memory.limit"])
        try driver.discard(id)
    }

    /// HCS does not say of every utility VM that it is one: pause was refused after a restart.
    @Test func theRecordKnowsTheIsolationThatHCSDoesNotName() throws {
        let driver = driver()
        let id = try EmulatedHost.id("scripted")
        service.state.withLock { $0.runtimeImage = "" }
        #expect(try !driver.open(id, []).canPause)
        try driver.discard(id)
        var known = KnownContainer()
        known.canPause = true
        let opened = try driver.open(id, known, [], ended: [])
        #expect(opened.isolation == .hyperV && opened.canPause)
        try driver.discard(id)
    }
}
