import CHostCompute
import ContainerDriver
import ContainerModel
import Dispatch
import HostComputeEmulator
import Synchronization
import Testing

@testable import HostComputeDriver

/// What the fault schedules have found stays found.
@Suite struct FoundFaultTests {
    private func fault(_ id: ContainerID, _ call: EmulatorCall?, _ effect: Fault.Effect) {
        HostComputeEmulator.faults.add(Fault(call: call, id: id.rawValue, effects: effect))
    }

    /// A handle of a discard that failed was left open, and with it the compute system could never go.
    @Test func aDiscardThatFailsHoldsNothing() throws {
        let host = try EmulatedHost()
        let other = try EmulatedHost()
        let id = try EmulatedHost.id()
        _ = try other.driver.create(id, other.specification(id))
        let before = HostComputeEmulator.openHandles(of: id.rawValue)
        fault(id, .terminateComputeSystem, .fail(Int32(bitPattern: 0x8007_000E)))
        #expect(throws: DriverFailure.self) { try host.driver.discard(id) }
        #expect(HostComputeEmulator.openHandles(of: id.rawValue) == before)
        try host.driver.discard(id)
        try other.driver.discard(id)
        #expect(HostComputeEmulator.openHandles(of: id.rawValue) == 0)
        #expect(try !host.driver.enumerate().ids.contains(id))
    }

    /// HCS said of a compute system that runs that it is not there. It was taken for gone, also by the discard, and ran on
    /// without an owner.
    @Test func aDiscardBelievesNoAnswerThatItIsGone() throws {
        let host = try EmulatedHost()
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        fault(id, .shutdownComputeSystem, .fail(Int32(bitPattern: 0x8007_0490)))
        _ = try host.driver.shutDown(id)
        #expect(host.events.exits.count == 1)
        #expect(try host.driver.enumerate().ids.contains(id))
        try host.driver.discard(id)
        #expect(try !host.driver.enumerate().ids.contains(id))
        #expect(HostComputeEmulator.openHandles(of: id.rawValue) == 0)
        #expect(host.events.exits.count == 1)
    }

    /// The end of the system told the exit of a process whose start was still registering its callback, and closed the
    /// handle under that call: the start failed, though an exit had been told.
    @Test func theSystemEndsWhileAProcessRegisters() throws {
        let host = try EmulatedHost()
        let id = try EmulatedHost.id()
        _ = try host.driver.create(id, host.specification(id))
        let stall = Stall()
        HostComputeEmulator.faults.add(
            Fault(
                call: .registerProcessCallback, id: id.rawValue,
                effects: .stall(stall), .fail(Int32(bitPattern: 0x8007_0006))))
        let started = DispatchGroup()
        let driver = host.driver
        let answer = Answer()
        DispatchQueue(label: "start").async(group: started) {
            answer.pid.withLock {
                $0 = try? driver.start(
                    id, EmulatedHost.shell("exit 4"), stdin: false, output: OutputRecorder()
                ).pid
            }
        }
        stall.waitForArrival()
        try driver.terminate(id)
        // Told before the registration goes on.
        #expect(host.events.exit(id)?.known == true)
        stall.release()
        started.wait()
        #expect(answer.pid.withLock { $0 } != nil)
        _ = try driver.shutDown(id)
        #expect(host.events.exits.count == 1)
        #expect(HostComputeEmulator.openHandles(of: id.rawValue) == 0)
        try driver.discard(id)
    }
}

/// What a start on another thread answered.
private final class Answer: Sendable {
    let pid = Mutex<UInt32?>(nil)
}
