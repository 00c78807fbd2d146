import CHostCompute
import ContainerDriver
import Testing

@testable import HostComputeDriver

/// The whole of HostComputeService B: both families, Win32 codes in an HRESULT's clothes, and what may be tried again.
@Suite struct ErrorTableTests {
    typealias Row = (code: UInt32, wire: DriverFailure.Code, retryable: Bool)

    /// The low codes that 0xC03701xx and 0x803701xx share (B.1), all of them.
    static let compute: [Row] = [
        (0x00, .aborted, false), (0x01, .failedPrecondition, false), (0x02, .failedPrecondition, false),
        (0x03, .internal, false), (0x04, .resourceExhausted, true), (0x05, .failedPrecondition, false),
        (0x06, .aborted, false), (0x07, .aborted, false), (0x08, .unavailable, true), (0x09, .deadlineExceeded, true),
        (0x0A, .unavailable, true), (0x0B, .unimplemented, false), (0x0C, .unimplemented, false),
        (0x0D, .invalidArgument, false), (0x0E, .notFound, false), (0x0F, .alreadyExists, false),
        (0x10, .failedPrecondition, false), (0x11, .internal, false), (0x12, .invalidArgument, false),
        (0x13, .failedPrecondition, false), (0x14, .unavailable, true), (0x15, .internal, false),
        (0x16, .internal, false), (0x17, .internal, false), (0x18, .deadlineExceeded, true), (0x19, .internal, false),
        (0x1A, .resourceExhausted, true), (0x1B, .permissionDenied, false), (0x1C, .aborted, false),
        (0x1D, .failedPrecondition, false), (0x1E, .unavailable, true), (0x1F, .failedPrecondition, false),
    ]

    /// Win32 codes (B.2 and what a host says besides), told as they are and as 0x8007xxxx.
    static let windows: [Row] = [
        (0x02, .notFound, false), (0x03, .notFound, false), (0x04, .resourceExhausted, true),
        (0x05, .permissionDenied, false),
        (0x06, .failedPrecondition, false), (0x08, .resourceExhausted, true), (0x0D, .invalidArgument, false),
        (0x0E, .resourceExhausted, true), (0x20, .failedPrecondition, true), (0x32, .unimplemented, false),
        (0x57, .invalidArgument, false), (0x6D, .unavailable, true), (0x70, .resourceExhausted, true),
        (0x7B, .invalidArgument, false), (0x7F, .notFound, false), (0xA1, .invalidArgument, false),
        (0xA4, .resourceExhausted, true),
        (0xB7, .alreadyExists, false), (0x10B, .notFound, false), (0x422, .unavailable, true),
        (0x424, .unavailable, true), (0x426, .unavailable, true), (0x45B, .unavailable, true),
        (0x490, .notFound, false), (0x4C7, .aborted, true), (0x5AA, .resourceExhausted, true),
        (0x5AF, .resourceExhausted, true), (0x5B4, .deadlineExceeded, true), (0x6BA, .unavailable, true),
        (0x6BE, .unavailable, true), (0x6BF, .unavailable, true), (0x1F, .internal, false),
    ]

    private func error(_ hresult: UInt32) -> HostComputeError {
        HostComputeError("HcsStartComputeSystem", status: HcsResult(bitPattern: hresult))
    }

    private func expect(_ row: Row, of hresult: UInt32) {
        let failure = error(hresult).failure("container 'a'")
        #expect(failure.code == row.wire && failure.retryable == row.retryable, "0x\(String(hresult, radix: 16))")
        #expect(failure.hresult == hresult && failure.operation == "HcsStartComputeSystem")
        // What HCS said, in digits too, and what a person can do.
        let digits = String(hresult, radix: 16, uppercase: true)
        #expect(failure.message.contains("(0x" + String(repeating: "0", count: 8 - digits.count) + digits + ")"))
        #expect(failure.message.split(separator: "; ").count >= 2, "\(failure.message)")
    }

    @Test func bothFamiliesMeanTheSame() {
        #expect(Self.compute.map(\.code) == Array(0...0x1F))
        for row in Self.compute {
            expect(row, of: 0xC037_0100 | row.code)
            expect(row, of: 0x8037_0100 | row.code)
            #expect(error(0xC037_0100 | row.code).code == 0xC037_0100 | row.code, "not folded")
        }
        for code: UInt32 in [0xC037_0120, 0x8037_01FF, 0xC037_0200] { expect((code, .internal, false), of: code) }
    }

    @Test func windowsCodesAreFolded() {
        for row in Self.windows {
            #expect(error(0x8007_0000 | row.code).code == row.code)
            expect(row, of: 0x8007_0000 | row.code)
            // The severities that A.1's mask leaves aside.
            #expect(error(0xC007_0000 | row.code).code == row.code)
        }
        for row: Row in [
            (0x8000_4001, .unimplemented, false), (0x8000_4004, .unavailable, true), (0x8000_4005, .internal, false),
            (0x8000_FFFF, .internal, false),
        ] { expect(row, of: row.code) }
    }

    @Test func predicates() {
        let all =
            (0...0x1F).flatMap { [0xC037_0100 | $0, 0x8037_0100 | $0] as [UInt32] }
            + Self.windows.map { 0x8007_0000 | $0.code } + [0x8000_4001, 0x8000_4005]
        func expect(_ name: String, _ predicate: (HostComputeError) -> Bool, _ codes: [UInt32]) {
            #expect(all.filter { predicate(error($0)) } == all.filter(codes.contains), "\(name)")
        }
        let stopped: [UInt32] = [0xC037_0110, 0x8037_0110, 0xC037_011F, 0x8037_011F, 0x8007_0490, 0x8007_007F]
        let missing: [UInt32] = [0xC037_010E, 0x8037_010E, 0x8007_0490, 0x8007_007F]
        expect("already stopped", \.isAlreadyStopped, stopped)
        expect("not found", \.isNotFound, missing)
        expect(
            "not supported", \.isNotSupported,
            [
                0xC037_010D, 0x8037_010D, 0xC037_010B, 0x8037_010B, 0x8007_000D, 0x8007_0032, 0x8000_4001,
            ])
        expect("invalid state", \.isInvalidState, [0xC037_0105, 0x8037_0105])
        expect("access denied", \.isAccessDenied, [0x8007_0005, 0xC037_011B, 0x8037_011B])
        expect("invalid handle", \.isInvalidHandle, [0x8007_0006])
        expect("gone", \.isGone, stopped + missing + [0x8007_0006])
    }

    /// Access is denied for many reasons; advice to become an administrator fits few of them.
    @Test(
        arguments: [
            ("HcsCreateComputeSystem", "administrator"), ("HcsEnumerateComputeSystems", "administrator"),
            ("HcsCreateProcess", "the process's user"), ("HcsModifyProcess", "ended"), ("HcsSignalProcess", "ended"),
            ("HcsTerminateComputeSystem", "ending"),
        ] as [(StaticString, String)])
    func adviceFitsTheCall(operation: StaticString, advice: String) {
        for code: UInt32 in [0x8007_0005, 0x8037_011B] {
            let failure = HostComputeError(operation, status: HcsResult(bitPattern: code)).failure("container 'a'")
            #expect(failure.code == .permissionDenied && failure.message.contains(advice), "\(failure.message)")
        }
    }
}
