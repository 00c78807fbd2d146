import CHostCompute
import ContainerDriver
import ContainerModel
import Dispatch
import Foundation
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// What HCS is known to do wrong, done on purpose.
@Suite struct FaultTests {
    private let host: EmulatedHost

    init() throws { host = try EmulatedHost() }

    private var driver: HostComputeDriver { host.driver }

    private func fault(_ id: ContainerID, _ call: EmulatorCall?, _ effects: Fault.Effect..., times: Int? = 1) {
        var fault = Fault(call: call, id: id.rawValue, times: times)
        fault.effects = effects
        HostComputeEmulator.faults.add(fault)
    }

    @Test func createNeverCompletes() throws {
        var timeouts = Timeouts.quick
        timeouts.create = .milliseconds(50)
        let host = try EmulatedHost(timeouts)
        let id = try EmulatedHost.id()
        fault(id, .createComputeSystem, .neverComplete)
        let failure = try #require(throws: DriverFailure.self) { try host.driver.create(id, host.specification(id)) }
        #expect(failure.code == .deadlineExceeded && failure.retryable)
        #expect(try !driver.enumerate().ids.contains(id))
        #expect(HostComputeEmulator.openHandles(of: id.rawValue) == 0)
        // Nothing is left: the id is free.
        try host.run(id, "exit 0")
        #expect(host.events.exit(id)?.code == 0)
        try host.driver.discard(id)
    }

    @Test func aCompletionThatComesTooLate() throws {
        var timeouts = Timeouts.quick
        timeouts.create = .milliseconds(50)
        let host = try EmulatedHost(timeouts)
        let id = try EmulatedHost.id()
        let stall = Stall()
        fault(id, .createComputeSystem, .holdCompletion(stall))
        #expect(throws: DriverFailure.self) { try host.driver.create(id, host.specification(id)) }
        stall.release()
        try host.run(id, "exit 2")
        #expect(host.events.exit(id)?.code == 2)
        try host.driver.discard(id)
    }

    @Test func createFails() throws {
        let id = try EmulatedHost.id()
        fault(id, .createComputeSystem, .failCompletion(Int32(bitPattern: 0xC037_0101)))
        let failure = try #require(throws: DriverFailure.self) { try driver.create(id, host.specification(id)) }
        #expect(failure.code == .failedPrecondition && failure.hresult == 0xC037_0101)
        #expect(try !driver.enumerate().ids.contains(id))
        fault(id, .createComputeSystem, .failUnparsable(Int32(bitPattern: 0x8007_0005)))
        let denied = try #require(throws: DriverFailure.self) { try driver.create(id, host.specification(id)) }
        #expect(denied.code == .permissionDenied && denied.hresult == 0x8007_0005)
    }

    @Test func completionsAtOnce() throws {
        let id = try EmulatedHost.id()
        for call in [EmulatorCall.createComputeSystem, .startComputeSystem] { fault(id, call, .completeAtOnce) }
        try host.run(id, "exit 1")
        #expect(host.events.exit(id)?.code == 1)
        fault(id, .shutdownComputeSystem, .completeAtOnce)
        #expect(try driver.shutDown(id).forced == false)
    }

    @Test func startNeverCompletes() throws {
        var timeouts = Timeouts.quick
        timeouts.start = .milliseconds(50)
        let host = try EmulatedHost(timeouts)
        let id = try EmulatedHost.id()
        _ = try host.driver.create(id, host.specification(id))
        fault(id, .startComputeSystem, .neverComplete)
        let failure = try #require(throws: DriverFailure.self) {
            try host.driver.start(id, EmulatedHost.shell("true"), stdin: false, output: OutputRecorder())
        }
        #expect(failure.code == .deadlineExceeded)
        try host.driver.discard(id)
        #expect(try !driver.enumerate().ids.contains(id))
    }

    @Test func theSystemEndsWhileItStarts() throws {
        let id = try EmulatedHost.id()
        _ = try driver.create(id, host.specification(id))
        fault(id, .startComputeSystem, .exitBeforeReturn)
        #expect(throws: DriverFailure.self) {
            try driver.start(id, EmulatedHost.shell("true"), stdin: false, output: OutputRecorder())
        }
        try driver.discard(id)
        #expect(host.events.exits.isEmpty)
    }

    @Test func theExitBeatsTheStart() throws {
        let id = try EmulatedHost.id()
        fault(id, .createProcess, .exitBeforeReturn)
        let output = OutputRecorder()
        try host.run(id, "echo quick; exit 9", output: output)
        #expect(host.events.exit(id)?.code == 9)
        #expect(output.text() == "quick\n")
        _ = try driver.shutDown(id)
        #expect(host.events.exits.count == 1)
    }

    @Test func registrationFails() throws {
        let id = try EmulatedHost.id()
        fault(id, .registerComputeSystemCallback, .fail(Int32(bitPattern: 0x8007_000E)))
        #expect(throws: DriverFailure.self) { try driver.create(id, host.specification(id)) }
        #expect(try !driver.enumerate().ids.contains(id))
        #expect(HostComputeEmulator.openHandles(of: id.rawValue) == 0)
        _ = try driver.create(id, host.specification(id))
        fault(id, .registerProcessCallback, .fail(Int32(bitPattern: 0x8007_000E)))
        let output = OutputRecorder()
        let failure = try #require(throws: DriverFailure.self) {
            try driver.start(id, EmulatedHost.shell("sleep 600"), stdin: true, output: output)
        }
        #expect(failure.code == .resourceExhausted)
        #expect(output.ended == [.stdout, .stderr])
        try driver.discard(id)
        #expect(try !driver.enumerate().ids.contains(id))
        #expect(HostComputeEmulator.openHandles(of: id.rawValue) == 0)
        #expect(host.events.exits.isEmpty)
    }

    @Test func aLostExitIsFoundAtShutDown() throws {
        let id = try EmulatedHost.id()
        fault(id, nil, .loseNotification(UInt32(HcsNotificationProcessExited)), times: nil)
        let output = OutputRecorder()
        try host.run(id, "echo x; exit 8", output: output)
        #expect(output.wait(for: "x"))
        try driver.terminate(id)
        _ = try driver.shutDown(id)
        #expect(host.events.exits.count == 1)
        let exit = try #require(host.events.exit(id))
        #expect(exit.observedBy == .poll)
        HostComputeEmulator.faults.clear(id: id.rawValue)
    }

    @Test func notificationsTwiceAndUnknownOnes() throws {
        let id = try EmulatedHost.id()
        fault(id, nil, .duplicateNotification(UInt32(HcsNotificationProcessExited)), times: nil)
        fault(id, nil, .unknownNotification(0x42), times: nil)
        try host.run(id, "exit 3")
        #expect(host.events.exit(id)?.code == 3)
        _ = try driver.shutDown(id)
        #expect(host.events.exits.count == 1)
        HostComputeEmulator.faults.clear(id: id.rawValue)
    }

    @Test func exitsInReverse() throws {
        let id = try EmulatedHost.id()
        fault(id, nil, .reverseExitOrder, times: nil)
        try host.run(id, "sleep 600")
        let name = try #require(ProcessName("exec"))
        _ = try driver.startProcess(id, name, EmulatedHost.shell("sleep 600"), stdin: false, output: OutputRecorder())
        try driver.terminate(id)
        _ = try driver.shutDown(id)
        #expect(host.events.exits.count == 2)
        #expect(host.events.exits.allSatisfy { $0.exit.reason == .terminated })
        HostComputeEmulator.faults.clear(id: id.rawValue)
    }

    @Test(arguments: [Fault.Effect.lastWaitResult(109), .noProperties])
    func anUnreadableCodeIsNotInvented(effect: Fault.Effect) throws {
        let id = try EmulatedHost.id()
        fault(id, .getProcessProperties, effect, times: nil)
        try host.run(id, "exit 0")
        let exit = try #require(host.events.exit(id))
        #expect(!exit.known && exit.code == .max && exit.reason == .exited)
        HostComputeEmulator.faults.clear(id: id.rawValue)
        try driver.discard(id)
    }

    @Test func shutDownThatHangsIsForced() throws {
        var timeouts = Timeouts.quick
        timeouts.shutDown = .milliseconds(50)
        let host = try EmulatedHost(timeouts)
        let id = try EmulatedHost.id()
        try host.run(id, "exit 0")
        #expect(host.events.exit(id) != nil)
        fault(id, .getComputeSystemProperties, .updatesPending)
        fault(id, .shutdownComputeSystem, .neverComplete)
        #expect(try host.driver.shutDown(id) == ShutDown(updatePending: true, forced: true))
    }

    @Test func aStuckCallDelaysNoOtherContainerAndNoKill() throws {
        let id = try EmulatedHost.id()
        let other = try EmulatedHost.id("other")
        try host.run(id, "exit 5")
        let stall = HostComputeEmulator.faults.stall(.getProcessProperties, id: other.rawValue)
        try host.run(other, "exit 6")
        stall.waitForArrival()
        #expect(host.events.exit(id)?.code == 5)
        let third = try EmulatedHost.id("third")
        try host.run(third, "exit 7")
        #expect(host.events.exit(third)?.code == 7)
        stall.release()
        #expect(host.events.exit(other)?.code == 6)
        for id in [id, other, third] { try driver.discard(id) }
    }

    @Test func manyStuckCallsDelayNoOtherContainer() throws {
        let stuck = try (0..<20).map { try EmulatedHost.id("stuck\($0)") }
        let stalls = stuck.map { HostComputeEmulator.faults.stall(.getProcessProperties, id: $0.rawValue) }
        for (id, stall) in zip(stuck, stalls) {
            try host.run(id, "exit 6")
            stall.waitForArrival()
        }
        let id = try EmulatedHost.id()
        try host.run(id, "exit 5")
        #expect(host.events.exit(id)?.code == 5)
        for stall in stalls { stall.release() }
        for id in stuck + [id] {
            #expect(host.events.exit(id) != nil)
            try driver.discard(id)
        }
    }

    @Test func aKillOvertakesAStuckSignal() throws {
        var timeouts = Timeouts.quick
        timeouts.signal = .milliseconds(50)
        let host = try EmulatedHost(timeouts)
        let id = try EmulatedHost.id()
        try host.run(id, "sleep 600")
        let stall = HostComputeEmulator.faults.stall(.signalProcess, id: id.rawValue)
        try host.driver.signal(id, .initial, .graceful)
        stall.waitForArrival()
        try host.driver.signal(id, .initial, .number(9))
        #expect(host.events.exit(id)?.reason == .terminated)
        stall.release()
        try host.driver.discard(id)
    }

    @Test func aSignalToWhatIsGone() throws {
        let id = try EmulatedHost.id()
        fault(id, nil, .loseNotification(UInt32(HcsNotificationProcessExited)), times: nil)
        let output = OutputRecorder()
        try host.run(id, "echo x", output: output)
        #expect(output.wait(for: "x"))
        fault(id, .signalProcess, .fail(Int32(bitPattern: 0x8007_0490)), times: nil)
        try driver.signal(id, .initial, .graceful)
        let exit = try #require(host.events.exit(id))
        #expect(exit.known && exit.code == 0 && exit.observedBy == .poll)
        HostComputeEmulator.faults.clear(id: id.rawValue)
        try driver.discard(id)
    }
}
