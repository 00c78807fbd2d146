import CHostCompute
import ContainerDriver
import ContainerModel
import ContainerProtocol
import Dispatch
import Testing

@testable import HostComputeDriver

/// Exits that HCS did not tell, and questions whose answers must not be mistaken for an exit.
extension ScriptedTests {
    private static let runs = #"{"ProcessId":11,"Exited":false,"ExitCode":0,"LastWaitResult":0}"#
    private static let exited = #"{"ProcessId":11,"Exited":true,"ExitCode":4,"LastWaitResult":0}"#

    private func running(_ driver: HostComputeDriver) throws -> ContainerID {
        service.state.withLock { $0.properties = Self.runs }
        return try started(driver)
    }

    /// Ends the process as it should, and expects that nothing had been told of it before.
    private func expectAlive(_ driver: HostComputeDriver, _ id: ContainerID) throws {
        service.state.withLock { state in
            state.processAnswer = 0
            state.properties = Self.exited
        }
        service.notifyProcess(HcsNotificationProcessExited)
        let exit = try #require(events.exit(id))
        #expect(exit.known && exit.code == 4 && exit.observedBy == .driver)
        #expect(events.exits.count == 1)
        try driver.discard(id)
    }

    @Test func aLostExitIsFoundByAsking() throws {
        let driver = driver()
        let id = try running(driver)
        try driver.check(id)
        #expect(events.exits.isEmpty)
        // One question, because a process that runs has a system that runs.
        #expect(service.asked == ["process"])
        service.state.withLock { $0.properties = Self.exited }
        try driver.check(id)
        let exit = try #require(events.exit(id))
        #expect(exit.known && exit.code == 4 && exit.reason == .exited && exit.observedBy == .poll)
        // It comes all the same, too late.
        service.notifyProcess(HcsNotificationProcessExited)
        try driver.check(id)
        _ = try driver.shutDown(id)
        #expect(events.exits.count == 1)
        try driver.discard(id)
    }

    @Test func aCheckAndANotificationTellOneExit() throws {
        let driver = driver()
        for round in 1...200 {
            let id = try running(driver)
            service.state.withLock { $0.properties = Self.exited }
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                if thread == 0 {
                    service.notifyProcess(HcsNotificationProcessExited)
                } else {
                    try? driver.check(id)
                }
            }
            #expect(events.exit(id)?.code == 4)
            // Which waits for whatever is under way.
            _ = try driver.shutDown(id)
            #expect(events.exits.count == round)
            service.state.withLock { $0.nextPid = 11 }
            try driver.discard(id)
        }
    }

    /// Both notifications are lost and the handles are dead: nobody would ever have told.
    @Test func aVanishedSystemIsFound() throws {
        let driver = driver()
        let id = try running(driver)
        service.vanish()
        try driver.check(id)
        let exit = try #require(events.exit(id))
        #expect(!exit.known && exit.code == .max && exit.reason == .exited && exit.observedBy == .poll)
        #expect(try driver.shutDown(id) == ShutDown(updatePending: false, forced: false))
        service.notifySystem(HcsNotificationSystemExited)
        #expect(events.exits.count == 1)
        try driver.discard(id)
    }

    @Test func aStoppedSystemIsFoundAndItsCodesAreRead() throws {
        let driver = driver()
        let id = try running(driver)
        service.state.withLock { state in
            state.systemState = "Stopped"
            state.processAnswers = [HcsResult(bitPattern: 0xC037_0105)]
            state.properties = Self.exited
        }
        try driver.check(id)
        let exit = try #require(events.exit(id))
        #expect(exit.known && exit.code == 4)
        try driver.discard(id)
        #expect(events.exits.count == 1)
    }

    /// While a system is being closed HCS says of a process that it knows nothing of it, and may be wrong.
    @Test(arguments: [0x8007_0490, 0x8007_0006, 0xC037_010E] as [UInt32])
    func oneAnswerThatItIsGoneIsNotBelieved(code: UInt32) throws {
        let driver = driver()
        let id = try running(driver)
        service.state.withLock { $0.processAnswer = HcsResult(bitPattern: code) }
        try driver.check(id)
        // The question is put again, and then it is tried whether the process lets itself be opened.
        #expect(service.waitUntil { $0.asked.contains("open process") })
        #expect(service.asked == ["process", "system", "process", "open process"])
        try expectAlive(driver, id)
    }

    @Test func aProcessThatIsGoneTwiceIsGone() throws {
        let driver = driver()
        let id = try running(driver)
        service.state.withLock { state in
            state.processAnswer = HcsResult(bitPattern: 0x8007_0490)
            state.openProcessAnswer = state.processAnswer
        }
        try driver.check(id)
        let exit = try #require(events.exit(id))
        #expect(!exit.known && exit.observedBy == .poll)
        try driver.discard(id)
        #expect(events.exits.count == 1)
    }

    /// The handle is dead and the system runs: what opens it again says so.
    @Test func aDeadHandleIsNoDeadSystem() throws {
        let driver = driver()
        let id = try running(driver)
        service.state.withLock { state in
            state.processAnswer = HcsResult(bitPattern: 0x8000_4005)
            state.systemAnswer = HcsResult(bitPattern: 0xC037_010E)
        }
        try driver.check(id)
        #expect(service.asked == ["process", "system", "open system", "system"])
        try expectAlive(driver, id)
    }

    @Test func aQuestionThatFailsTellsNothing() throws {
        let driver = driver()
        let id = try running(driver)
        service.state.withLock { state in
            state.processAnswer = HcsResult(bitPattern: 0x8007_06BF)
            state.systemAnswer = state.processAnswer
        }
        let failure = try #require(throws: DriverFailure.self) { try driver.check(id) }
        #expect(failure.code == .unavailable && failure.operation == "HcsGetComputeSystemProperties")
        try expectAlive(driver, id)
    }

    @Test func nothingIsAskedOfWhatHasEndedOrIsUnknown() throws {
        let driver = driver()
        let id = try running(driver)
        service.notifySystem(HcsNotificationServiceDisconnect)
        #expect(events.waitForDisconnect())
        #expect(try #require(throws: DriverFailure.self) { try driver.check(id) }.code == .unavailable)
        try driver.discard(id)
        #expect(try #require(throws: DriverFailure.self) { try driver.check(id) }.code == .notFound)
        let other = try EmulatedHost.id("created")
        _ = try driver.create(other, specification())
        service.state.withLock { $0.asked = [] }
        try driver.check(other)
        #expect(service.asked == ["system"])
        _ = try driver.shutDown(other)
        try driver.check(other)
        #expect(service.asked == ["system", "system"], "the second one is the shutdown's, for updates")
        #expect(events.exits.isEmpty)
        try driver.discard(other)
    }
}
