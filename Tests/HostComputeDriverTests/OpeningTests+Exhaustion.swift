import CHostCompute
import ContainerDriver
import Foundation
import Testing

@testable import HostComputeDriver

/// What is used up is named, with the limit to raise, and the same request can succeed later.
extension OpeningTests {
    /// It once read as an error inside, "look the code up", and was final.
    @Test func aServiceWithoutDescriptorsSaysWhichLimitToRaise() throws {
        let id = try EmulatedHost.id()
        try earlier { worker in _ = try worker.create(id, owner: Self.owner) }
        _ = try driver.open(id, [known(nil, startedAt: .now)])
        let failure = try service.withoutDescriptors {
            try #require(throws: DriverFailure.self) {
                try driver.start(id, EmulatedHost.shell("echo hi"), stdin: true, output: output)
            }
        }
        #expect(failure.code == .resourceExhausted && failure.retryable, "\(failure)")
        #expect(failure.hresult == 0x8007_0004 && failure.message.contains("ulimit -n"), "\(failure)")
        _ = try driver.start(id, EmulatedHost.shell("echo hi"), stdin: true, output: output)
        #expect(events.exit(id)?.code == 0)
        #expect(output.text() == "hi\n")
        try driver.discard(id)
    }

    @Test(arguments: [(EMFILE, 0x04), (ENFILE, 0x04), (EAGAIN, 0xA4), (ENOMEM, 0x0E)] as [(Int32, UInt32)])
    func whatTheDriverItselfLacks(error: Int32, code: UInt32) {
        let here = HostComputeError("opening a stream", .exhausted(error: error)).failure("container 'a'")
        let there = HostComputeError("HcsCreateProcess", status: HcsResult(bitPattern: 0x8007_0000 | code))
        let failure = there.failure("container 'a'")
        #expect(here.code == .resourceExhausted && here.retryable)
        #expect(failure.code == .resourceExhausted && failure.retryable)
    }
}
