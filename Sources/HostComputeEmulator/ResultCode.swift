import CHostCompute
import Glibc

/// The HRESULT values that the emulator answers (HostComputeService B.1, B.2).
enum ResultCode {
    static let success: HcsResult = 0
    static let pending = code(0xC037_0103)

    static let notImplemented = code(0x8000_4001)
    static let invalidArgument = code(0x8007_0057)
    static let invalidHandle = code(0x8007_0006)
    static let notSupported = code(0x8007_0032)
    static let elementNotFound = code(0x8007_0490)

    static let fileNotFound = code(0x8007_0002)
    static let pathNotFound = code(0x8007_0003)
    static let tooManyOpenFiles = code(0x8007_0004)
    static let accessDenied = code(0x8007_0005)
    static let outOfMemory = code(0x8007_000E)
    static let writeFault = code(0x8007_001D)
    static let diskFull = code(0x8007_0070)
    static let noThreadLeft = code(0x8007_00A4)
    static let badExecutableFormat = code(0x8007_00C1)
    static let argumentsTooLong = code(0x8007_00CE)
    static let invalidDirectory = code(0x8007_010B)
    static let cancelled = code(0x8007_04C7)
    static let possibleDeadlock = code(0x8007_046B)
    static let privilegeNotHeld = code(0x8007_0522)
    static let noSuchUser = code(0x8007_0525)
    static let serverUnavailable = code(0x8007_06BF)

    static let terminatedDuringStart = code(0xC037_0100)
    static let invalidState = code(0xC037_0105)
    static let unexpectedExit = code(0xC037_0106)
    static let terminated = code(0xC037_0107)
    static let invalidDocument = code(0xC037_010D)
    static let systemNotFound = code(0xC037_010E)
    static let systemAlreadyExists = code(0xC037_010F)
    static let systemAlreadyStopped = code(0xC037_0110)
    static let processAlreadyStopped = code(0x8037_011F)

    /// The code for a system call that failed because a resource is exhausted.
    static func exhausted(_ error: Int32) -> HcsResult {
        switch error {
        case EMFILE, ENFILE: tooManyOpenFiles
        // Of a process or a thread: as many as may run do.
        case EAGAIN: noThreadLeft
        case ENOSPC, EDQUOT: diskFull
        default: outOfMemory
        }
    }

    private static func code(_ bits: UInt32) -> HcsResult {
        HcsResult(bitPattern: bits)
    }
}
