import CHostCompute
import ContainerDriver
import ContainerModel
import Glibc
import Testing

@testable import HostComputeDriver

/// Streams of a process that was found again, as far as HCS hands them out.
extension ScriptedTests {
    private func opened(
        _ output: OutputRecorder, _ change: (inout HostComputeTable) -> Void
    ) throws -> (driver: HostComputeDriver, id: ContainerID, container: OpenedContainer) {
        let driver = driver(.quick, change)
        let id = try EmulatedHost.id("scripted")
        service.state.withLock { $0.properties = #"{"ProcessId":11,"Exited":false}"# }
        let known = KnownProcess(name: .initial, pid: 11, terminal: false, startedAt: nil, output: output)
        return (driver, id, try driver.open(id, [known]))
    }

    private func expectLoss(
        _ driver: HostComputeDriver, _ id: ContainerID, _ opened: OpenedContainer, _ output: OutputRecorder
    ) throws {
        #expect(opened.warnings.count == 1 && opened.warnings.first?.contains("init") == true)
        #expect(output.ended.isEmpty, "what runs on has no end")
        let input = try #require(opened.inputs[.initial])
        let failure = try #require(throws: DriverFailure.self) { try input.write([1], end: false) }
        #expect(failure.code == .failedPrecondition && failure.message.contains("restarted"))
        service.state.withLock { $0.properties = #"{"ProcessId":11,"Exited":true,"ExitCode":4,"LastWaitResult":0}"# }
        service.notifyProcess(HcsNotificationProcessExited)
        #expect(events.exit(id)?.code == 4)
        #expect(output.ended == [.stdout, .stderr], "it ends with its process")
        try driver.discard(id)
    }

    /// Readers saw a normal end, nothing in the log, and `stdin` advised to start the process with an input.
    @Test func streamsThatCannotBeHadAgainAreLost() throws {
        let output = OutputRecorder()
        let (driver, id, opened) = try opened(output) { table in
            table.HcsGetProcessInfo = { _, _, _ in HcsResult(bitPattern: 0x8007_0057) }
        }
        #expect(output.lost == [.stdout, .stderr])
        try expectLoss(driver, id, opened, output)
    }

    /// One handle that fails cost all three.
    @Test func eachStreamIsTakenByItself() throws {
        let output = OutputRecorder()
        let (driver, id, opened) = try opened(output) { table in
            table.HcsGetProcessInfo = { _, information, _ in
                var ends: [Int32] = [0, 0]
                pipe(&ends)
                _ = write(ends[1], "there", 5)
                close(ends[1])
                // No descriptor is that high: this input and these errors can't be had.
                information?.pointee.StdInput = UnsafeMutableRawPointer(bitPattern: 1_000_000)
                information?.pointee.StdOutput = UnsafeMutableRawPointer(bitPattern: UInt(ends[0]))
                information?.pointee.StdError = UnsafeMutableRawPointer(bitPattern: 1_000_001)
                return 0
            }
        }
        #expect(output.wait(for: "there"))
        #expect(output.lost == [.stderr])
        #expect(opened.warnings.count == 1)
        #expect(throws: DriverFailure.self) { try opened.inputs[.initial]?.write([1], end: false) }
        try driver.discard(id)
    }
}
