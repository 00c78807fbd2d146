import CHostCompute
import ContainerDriver
import ContainerModel
import Dispatch
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// Notifications that are lost between HCS and a driver, and what is found by asking.
@Suite struct CheckingTests {
    private let host: EmulatedHost

    init() throws { host = try EmulatedHost() }

    private var driver: HostComputeDriver { host.driver }

    private func lose(_ id: ContainerID, _ types: Int...) {
        for type in types {
            HostComputeEmulator.faults.add(
                Fault(id: id.rawValue, times: nil, effects: .loseNotification(UInt32(type))))
        }
    }

    /// Asks as a worker does, until the exit is told.
    private func exit(_ id: ContainerID, _ name: ProcessName = .initial) throws -> Exit {
        let deadline = DispatchTime.now() + .seconds(20)
        while DispatchTime.now() < deadline {
            try driver.check(id)
            if let told = host.events.exits.first(where: { $0.id == id && $0.process == name }) { return told.exit }
        }
        return try #require(nil, "no exit of \(name) was found")
    }

    @Test func lostExitsOfInitAndOfExecs() throws {
        let id = try EmulatedHost.id()
        defer { HostComputeEmulator.faults.clear(id: id.rawValue) }
        lose(id, HcsNotificationProcessExited)
        let output = OutputRecorder()
        let input = try host.run(id, "read line; echo last words; exit 8", stdin: true, output: output).stdin
        let name = try #require(ProcessName("exec"))
        _ = try driver.startProcess(id, name, EmulatedHost.shell("exit 9"), stdin: false, output: OutputRecorder())
        let exec = try exit(id, name)
        #expect(exec.known && exec.code == 9 && exec.observedBy == .poll)
        // The first process runs on, however often it is asked for.
        for _ in 0..<20 { try driver.check(id) }
        #expect(host.events.exits.count == 1)
        _ = try input.write("x\n", end: true)
        let initial = try exit(id)
        #expect(initial.known && initial.code == 8)
        #expect(output.text() == "last words\n", "all output comes before the exit, also before one that was found")
        #expect(try driver.shutDown(id).forced == false)
        #expect(host.events.exits.count == 2)
        try driver.discard(id)
    }

    /// The end of the system and of all in it is lost: a terminated container was waited for in vain.
    @Test func aLostEndOfTheSystem() throws {
        let id = try EmulatedHost.id()
        defer { HostComputeEmulator.faults.clear(id: id.rawValue) }
        lose(id, HcsNotificationProcessExited, HcsNotificationSystemExited)
        try host.run(id, "exec sleep 600")
        // Ended by somebody else, so that this driver knows nothing of it.
        try EmulatedHost().driver.discard(id)
        let found = try exit(id)
        #expect(found.observedBy == .poll)
        #expect(try driver.shutDown(id) == ShutDown(updatePending: false, forced: false))
        #expect(host.events.exits.count == 1)
        try driver.discard(id)
    }

    /// A shutdown whose end was lost was waited for in full, 5 minutes, and then forced.
    @Test func aShutDownWhoseEndIsLostIsFoundWhileItIsWaitedFor() throws {
        let id = try EmulatedHost.id()
        defer { HostComputeEmulator.faults.clear(id: id.rawValue) }
        lose(id, HcsNotificationSystemExited)
        try host.run(id, "exit 0")
        #expect(host.events.exit(id)?.code == 0)
        #expect(try driver.shutDown(id).forced == false)
        try driver.discard(id)
        // The same of a termination, which told the caller that it had failed.
        let other = try EmulatedHost.id("other")
        defer { HostComputeEmulator.faults.clear(id: other.rawValue) }
        lose(other, HcsNotificationProcessExited, HcsNotificationSystemExited)
        try host.run(other, "exec sleep 600")
        try driver.terminate(other)
        _ = try driver.shutDown(other)
        #expect(host.events.exit(other)?.reason == .terminated)
        #expect(host.events.exits.count == 2)
        try driver.discard(other)
    }

    /// One question at a time: a check that hangs holds neither another one of its container nor another container's.
    @Test func aQuestionThatHangsIsNotPutAgain() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        let stall = HostComputeEmulator.faults.stall(.getProcessProperties, id: id.rawValue)
        let asking = DispatchGroup()
        DispatchQueue(label: "check").async(group: asking) { [driver] in try? driver.check(id) }
        stall.waitForArrival()
        // These would hang in the same question.
        HostComputeEmulator.faults.add(
            Fault(call: .getProcessProperties, id: id.rawValue, effects: .stall(stall)))
        for _ in 0..<100 { try driver.check(id) }
        let other = try EmulatedHost.id("other")
        try host.run(other, "exec sleep 600")
        try driver.check(other)
        HostComputeEmulator.faults.clear(id: id.rawValue)
        stall.release()
        asking.wait()
        #expect(host.events.exits.isEmpty)
        for id in [id, other] { try driver.discard(id) }
    }

    @Test func aPausedContainerIsAlive() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600", hyperV: true)
        try driver.pause(id)
        try driver.check(id)
        try driver.resume(id)
        try driver.check(id)
        #expect(host.events.exits.isEmpty)
        try driver.discard(id)
    }

    /// What a check holds open keeps the id taken: a discard waits for it, so that the id is free when it returns.
    @Test func aDiscardWaitsForACheckThatIsUnderWay() throws {
        var timeouts = Timeouts.quick
        timeouts.lostExit = .seconds(20)
        let host = try EmulatedHost(timeouts)
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        let stall = HostComputeEmulator.faults.stall(.getProcessProperties, id: id.rawValue)
        let asking = DispatchGroup()
        DispatchQueue(label: "check").async(group: asking) { try? host.driver.check(id) }
        stall.waitForArrival()
        let discarding = DispatchGroup()
        DispatchQueue(label: "discard").async(group: discarding) {
            try? host.driver.discard(id)
            // Nothing is held open any more, so the id can be taken at once.
            _ = try? host.driver.create(id, host.specification(id))
        }
        #expect(host.events.exit(id)?.reason == .terminated)
        stall.release()
        discarding.wait()
        #expect(try host.driver.enumerate().ids.contains(id))
        asking.wait()
        try host.driver.discard(id)
        #expect(host.events.exits.count == 1)
    }
}
