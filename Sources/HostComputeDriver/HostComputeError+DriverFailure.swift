import Synchronization
import ContainerDriver
import Synchronization

extension HostComputeError {
    /// What a code means: the failure's kind, HCS's meaning in words, and what a person can do.
    struct Meaning {
        let code: DriverFailure.Code
        let words: String
        let advice: String
        let retryable: Bool

        init(_ code: DriverFailure.Code, _ words: String, _ advice: String, retryable: Bool = false) {
            self.code = code
            self.words = words
            self.advice = advice
            self.retryable = retryable
        }
    }

    /// The failure that the worker receives.
    /// - Parameter subject: what the call was about, such as `container 'web-1'`.
    func failure(_ subject: String) -> DriverFailure {
        let meaning = self.meaning
        var hresult: UInt32?
        var number = ""
        if case .refused(_, let value) = reason {
            hresult = value
            number = " (0x\(hexadecimal(value)))"
        }
        // The document may hold anything; one that cannot be read is ignored.
        let result = document.flatMap { AnswerDocument.read(ResultDocument.self, $0) }
        let said = result?.said.map { String($0.prefix(1000).filter { !$0.isNewline }) }
        let events = result?.errorEvents ?? (kept: [], dropped: 0)
        let message =
            if HostWords.arePlain.load(ordering: .relaxed) {
                HostWords.plain(operation, subject, meaning.words, said: said, meaning.advice)
            } else {
                "\(operation) failed for \(subject): \(meaning.words)\(number)"
                    + (said.map { "; HCS says: \($0)" } ?? "") + "; \(meaning.advice)"
            }
        return DriverFailure(
            meaning.code, message,
            retryable: meaning.retryable, hresult: hresult, operation: operation, driverMessage: said,
            errorEvents: events.kept, errorEventsDropped: events.dropped)
    }

    /// The meaning of the code.
    private var refusal: Meaning {
        let code = self.code ?? 0
        return switch code >> 8 {
        case 0xC03701, 0x803701: Self.meaning(ofCompute: UInt8(truncatingIfNeeded: code))
        default: Self.meaning(ofSystem: code)
        }
    }

    /// What a person can do about it depends on what was asked: HCS obeys administrators only, but a process has rights
    /// of its own, and what has ended is refused so too (HostComputeService B.2).
    private var accessDenied: Meaning {
        let advice =
            switch operation {
            case "HcsCreateProcess": "see whether the process's user may run the program"
            case "HcsTerminateProcess", "HcsSignalProcess", "HcsModifyProcess", "HcsOpenProcess": "it may have ended"
            case "HcsTerminateComputeSystem": "it may be ending already; else run the worker as an administrator"
            default: "run the worker as an administrator"
            }
        return Meaning(.permissionDenied, "access is denied", advice)
    }

    private var meaning: Meaning {
        switch reason {
        case .refused:
            if isAccessDenied { accessDenied } else { refusal }
        case .notExported:
            Meaning(.unimplemented, "this Windows does not have the function", "a newer version of Windows is needed")
        case .badText:
            Meaning(.invalidArgument, "a text holds a NUL or is not UTF-8", "correct the text")
        case .noMemory:
            Meaning(.resourceExhausted, "there is no memory for the call", "try again later", retryable: true)
        case .exhausted(let error): Self.meaning(ofSystem: HostErrors.win32(error))
        case .unreadable(let error):
            Meaning(
                .failedPrecondition, "the host does not say what it is (error \(error))",
                "see whether the worker may read it")
        case .noDocument:
            Meaning(.internal, "the call succeeded without a readable answer", "see the host's event log")
        case .closed:
            Meaning(.failedPrecondition, "it has been closed", "nothing can be asked of it any more")
        case .timedOut(let duration):
            Meaning(
                .deadlineExceeded, "it did not complete within \(duration)",
                "see whether the vmcompute service hangs", retryable: true)
        case .exitedMeanwhile:
            Meaning(.aborted, "the compute system ended meanwhile", "see why it ended, then create it again")
        case .disconnected:
            Meaning(
                .unavailable, "the vmcompute service went away", "try again when the service runs", retryable: true)
        case .foreign(let owner):
            Meaning(
                .failedPrecondition, "it belongs to '\(owner)' and not to this worker",
                "leave it to its owner, or use another id")
        }
    }

    /// The codes that 0xC03701xx (vmcompute) and 0x803701xx (HCS_E_*) share (HostComputeService B.1).
    private static func meaning(ofCompute low: UInt8) -> Meaning {
        switch low {
        case 0x00: Meaning(.aborted, "it was terminated while it started", "create it again")
        case 0x01:
            Meaning(
                .failedPrecondition, "the image's Windows version does not match the host's",
                "use an image of the host's version, or Hyper-V isolation")
        case 0x02:
            Meaning(.failedPrecondition, "Hyper-V is not installed", "install Hyper-V or use process isolation")
        case 0x03, 0x17: Meaning(.internal, "an operation is pending", "see the host's event log")
        case 0x04: Meaning(.resourceExhausted, "there are too many notifications", "try again", retryable: true)
        case 0x05: Meaning(.failedPrecondition, "it is not in a state that allows this", "look at its state first")
        case 0x06: Meaning(.aborted, "it ended unexpectedly", "see the host's event log")
        case 0x07: Meaning(.aborted, "it was terminated", "create it again")
        case 0x08: Meaning(.unavailable, "the connection to the guest failed", "try again", retryable: true)
        case 0x09: Meaning(.deadlineExceeded, "the guest did not answer in time", "try again", retryable: true)
        case 0x0A: Meaning(.unavailable, "the connection to the guest was closed", "try again", retryable: true)
        case 0x0B: Meaning(.unimplemented, "the guest does not know the request", "use a newer image")
        case 0x0C: Meaning(.unimplemented, "the guest's protocol version is not supported", "use a newer image")
        case 0x0D: Meaning(.invalidArgument, "the document is not understood", "look at the specification")
        case 0x0E: Meaning(.notFound, "there is no such compute system", "it may have ended; create it again")
        case 0x0F:
            Meaning(
                .alreadyExists, "a compute system of this id exists already",
                "restore it, delete it with force, or choose another id")
        case 0x10: Meaning(.failedPrecondition, "it has stopped already", "create it again")
        case 0x11: Meaning(.internal, "the protocol was violated", "see the host's event log")
        case 0x12: Meaning(.invalidArgument, "a layer is not valid", "look at windows.layerFolders")
        case 0x13: Meaning(.failedPrecondition, "it needs a Windows Insider build", "use another image")
        case 0x14:
            Meaning(
                .unavailable, "the vmcompute service is not available", "start the service and try again",
                retryable: true)
        case 0x15, 0x16, 0x19: Meaning(.internal, "the calls came in the wrong order", "report this")
        case 0x18: Meaning(.deadlineExceeded, "the operation timed out", "try again", retryable: true)
        case 0x1A: Meaning(.resourceExhausted, "there is no room for the answer", "try again", retryable: true)
        case 0x1C: Meaning(.aborted, "the guest had a critical error", "see the guest's event log")
        case 0x1D: Meaning(.failedPrecondition, "the process gives no information", "it may have ended")
        case 0x1E:
            Meaning(
                .unavailable, "the vmcompute service went away", "try again when the service runs", retryable: true)
        case 0x1F: Meaning(.failedPrecondition, "the process has stopped already", "nothing is left to do")
        default: Meaning(.internal, "HCS gave an error that this driver does not know", "look the code up")
        }
    }

    /// Win32 codes and the HRESULTs of COM.
    private static func meaning(ofSystem code: UInt32) -> Meaning {
        switch code {
        case 0x02: Meaning(.notFound, "a file was not found", "look at the paths of the specification")
        case 0x03, 0x10B: Meaning(.notFound, "a folder was not found", "look at the paths of the specification")
        case 0x04:
            Meaning(
                .resourceExhausted, "no file descriptor is free",
                "raise the limit of open files (ulimit -n, LimitNOFILE=)", retryable: true)
        case 0xA4:
            Meaning(
                .resourceExhausted, "no process or thread can be made",
                "raise the limit of processes (ulimit -u, LimitNPROC=, TasksMax=)", retryable: true)
        case 0x06: Meaning(.failedPrecondition, "it is being closed", "nothing can be asked of it any more")
        case 0x08, 0x0E, 0x5AA, 0x5AF:
            Meaning(
                .resourceExhausted, "the host has not enough memory", "free some and try again", retryable: true)
        case 0x70:
            Meaning(.resourceExhausted, "the host's disk is full", "free some space and try again", retryable: true)
        case 0x0D: Meaning(.invalidArgument, "the document is not valid here", "look at the specification")
        case 0x20: Meaning(.failedPrecondition, "a file is in use", "see what uses the layer", retryable: true)
        case 0x32: Meaning(.unimplemented, "the host does not support it", "it can't be done on this host")
        case 0x57: Meaning(.invalidArgument, "an argument is not valid", "look at the specification")
        case 0x6D: Meaning(.unavailable, "the connection to it was lost", "look at its state", retryable: true)
        case 0x7F, 0x490: Meaning(.notFound, "it is not there", "it may have ended")
        case 0xA1, 0x7B: Meaning(.invalidArgument, "a path is not valid", "look at the paths of the specification")
        case 0xB7: Meaning(.alreadyExists, "it exists already", "choose another name")
        case 0x422, 0x424, 0x426, 0x45B, 0x6BA, 0x6BE, 0x6BF, 0x8000_4004:
            Meaning(
                .unavailable, "the vmcompute service does not answer", "start the service and try again",
                retryable: true)
        case 0x4C7: Meaning(.aborted, "the operation was cancelled", "try again", retryable: true)
        case 0x5B4: Meaning(.deadlineExceeded, "the operation timed out", "try again", retryable: true)
        case 0x8000_4001: Meaning(.unimplemented, "the host does not implement it", "it can't be done on this host")
        default: Meaning(.internal, "the system call failed", "look the code up")
        }
    }
}

/// Eight upper-case digits, as HRESULTs are written.
private func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
