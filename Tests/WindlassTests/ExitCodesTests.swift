import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import windlass

/// Which code the command line exits with.
struct ExitCodesTests {
    private func exit(_ code: UInt32, _ reason: Exit.Reason = .exited) -> Exit {
        Exit(code: code, reason: reason, at: .epoch, observedBy: .driver)
    }

    #if !os(Windows)
        @Test(
            arguments: [(0, 0), (3, 3), (255, 255), (137, 137), (257, 1), (256, 255), (0xC000_0005, 5), (.max, 255)]
                as [(UInt32, Int32)])
        func theContainersCode(_ code: UInt32, _ expected: Int32) {
            #expect(ExitCodes.code(for: exit(code)) == expected)
        }

        @Test func aCodeThatDoesNotFitIsTold() {
            #expect(ExitCodes.remark(on: exit(255), of: "web") == nil)
            #expect(
                ExitCodes.remark(on: exit(3_221_225_477), of: "web")
                    == "web exited with 3221225477 (0xC0000005 STATUS_ACCESS_VIOLATION); a shell only sees 5")
        }
    #endif

    @Test func aCodeThatIsNotKnownIsTheToolsFailure() {
        let lost = Exit.unknown(reason: .lost, at: .epoch, observedBy: .restore)
        #expect(ExitCodes.code(for: lost) == 125)
        #expect(ExitCodes.remark(on: lost, of: "web") == "web ended (lost) and its exit code could not be learnt")
    }

    @Test(
        arguments: [
            ("HcsCreateProcess", 0x8007_0002, 127), ("HcsCreateProcess", 0x8007_0003, 127),
            ("HcsCreateProcess", 0x8007_0005, 126),
            ("HcsCreateProcess", 0x8007_00C1, 126), ("HcsCreateProcess", 0x8007_010B, 126),
            ("HcsCreateProcess", 0x8007_000E, 125),
            ("HcsCreateComputeSystem", 0x8007_0002, 125),
        ] as [(String, UInt64, Int32)])
    func failuresToMakeAProcess(_ operation: String, _ hresult: UInt64, _ code: Int32) {
        let failure = Failure(
            .invalidArgument, "no", details: ["operation": .string(operation), "hresult": .unsigned(hresult)])
        #expect(ExitCodes.ofContainer.code(for: failure) == code)
        #expect(ExitCodes.ofTool.code(for: failure) == 1)
    }

    @Test func everyOtherFailureIsTheTools() {
        #expect(ExitCodes.ofContainer.code(for: Failure(.unavailable, "no answer")) == 125)
        #expect(ExitCodes.ofContainer.code(for: CancellationError()) == 125)
        #expect(ExitCodes.ofTool.code(for: CancellationError()) == 1)
    }

    @Test func exitsInShort() {
        #expect(exit(0).brief == "0")
        #expect(exit(143, .signalled).brief == "143 signalled")
        #expect(Exit.unknown(reason: .lost, at: .epoch, observedBy: .restore).brief == "unknown lost")
    }
}
